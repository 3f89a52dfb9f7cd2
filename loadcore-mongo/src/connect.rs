//! Turns an address into a store that is ready: connected, with its indexes made.

use crate::error::{code, reason};
use crate::url::{has_password, redact};
use loadcore::cluster::coordinator::PATIENCE;
use loadcore::cluster::store::CALL_KEPT;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::{
    Acknowledgment, ClientOptions, IndexOptions, ReadPreference, SelectionCriteria, ServerAddress,
    WriteConcern,
};
use mongodb::{Client, Collection, Database, IndexModel};
use std::time::Duration;
use tokio::time::timeout;

/// How long a call may take, of the five times [`PATIENCE`] that the contract allows.
pub(crate) const DEADLINE: Duration = PATIENCE.saturating_mul(4);

/// How long a call looks for a server that takes it. Within that, one that was started anew is
/// found again.
const SELECTION: Duration = PATIENCE.saturating_mul(2);

/// The port where the address names none.
const MONGO_PORT: u16 = 27_017;

/// The database where the address names none.
const DATABASE: &str = "loadcore";

/// The collections of what belongs to a run. Their documents' ids begin with the run's.
pub(crate) const PARTS: [&str; 3] = ["snapshots", "intervals", "analyses"];

/// A [`Store`](loadcore::cluster::Store) over MongoDB.
#[derive(Debug, Clone)]
pub struct MongoStore {
    pub(crate) database: Database,
    pub(crate) concern: WriteConcern,
    /// The address that may be shown.
    pub(crate) server: String,
}

/// What a store may be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// How long after its end a run is kept, with all that belongs to it; `None` for until it is
    /// deleted. MongoDB deletes what is older by itself, once a minute.
    pub retention: Option<Duration>,
}

/// A store that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is none.
    #[error("{url} is not an address of MongoDB: {reason}")]
    Address {
        /// Without its password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody is there, or not in time.
    #[error("MongoDB at {url} does not answer: {reason}; check the address, and that it runs")]
    Unanswered {
        /// Without its password.
        url: String,
        /// What happened.
        reason: String,
    },
    /// It is there, and does not do what is needed.
    #[error("MongoDB at {url} refuses: {reason}")]
    Refused {
        /// Without its password.
        url: String,
        /// What it said.
        reason: String,
    },
}

/// The hosts and ports that a URL names, or that DNS does where it is one of `mongodb+srv`; none where it
/// cannot be read.
pub async fn servers(url: &str) -> Vec<(String, u16)> {
    let read = timeout(DEADLINE, ClientOptions::parse(url)).await;
    let hosts = read.ok().and_then(Result::ok).map_or_else(Vec::new, |options| options.hosts);
    let server = |address: ServerAddress| match address {
        ServerAddress::Tcp { host, port } => Some((host, port.unwrap_or(MONGO_PORT))),
        _ => None,
    };
    hosts.into_iter().filter_map(server).collect()
}

impl MongoStore {
    /// Connects to the server at a `mongodb://` or `mongodb+srv://` address, and makes the indexes
    /// that are not there. The database is the one that the address names, else `loadcore`.
    ///
    /// Writes are acknowledged by a majority of the servers, in their journals, and reads go to the
    /// primary, whatever the address says.
    ///
    /// # Errors
    ///
    /// If the address is none, or nobody answers there within ten seconds, or the server refuses.
    /// No text of an error shows the password.
    pub async fn connect(url: &str, options: Options) -> Result<Self, ConnectError> {
        match timeout(DEADLINE, Self::connected(url, &options)).await {
            Ok(Ok(store)) => Ok(store),
            Ok(Err(error)) => Err(failed(url, &error)),
            Err(_) => {
                let reason = format!("not within {} s", DEADLINE.as_secs());
                Err(ConnectError::Unanswered { url: redact(url), reason })
            }
        }
    }

    async fn connected(url: &str, options: &Options) -> Result<Self, Error> {
        let mut client = ClientOptions::parse(url).await?;
        let concern = WriteConcern::builder()
            .w(Acknowledgment::Majority)
            .journal(true)
            .w_timeout(DEADLINE)
            .build();
        client.write_concern = Some(concern.clone());
        client.selection_criteria =
            Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        let at_most = |given: Option<Duration>, most: Duration| given.map_or(most, |g| g.min(most));
        client.server_selection_timeout = Some(at_most(client.server_selection_timeout, SELECTION));
        client.connect_timeout = Some(at_most(client.connect_timeout, PATIENCE));
        client.app_name.get_or_insert_with(|| "loadcore".into());
        let name = client.default_database.clone().unwrap_or_else(|| DATABASE.into());
        let database = Client::with_options(client)?.database(&name);
        let store = Self { database, concern, server: redact(url) };
        store.make_indexes(options.retention).await?;
        Ok(store)
    }

    pub(crate) fn collection(&self, name: &str) -> Collection<Document> {
        self.database.collection(name)
    }

    async fn make_indexes(&self, retention: Option<Duration>) -> Result<(), Error> {
        // Lists are read from their newer end: an index is read from both.
        let plain = |keys: Document| IndexModel::builder().keys(keys).build();
        let scenarios =
            [plain(doc! { "owner": 1, "_id": 1 }), plain(doc! { "owner": 1, "tags": 1, "_id": 1 })];
        self.collection("scenarios").create_indexes(scenarios).await?;
        // Only open runs have the field `open`, so that its index stays small.
        let sparse = IndexOptions::builder().sparse(true).build();
        let runs = [
            plain(doc! { "owner": 1, "_id": 1 }),
            plain(doc! { "owner": 1, "scenarioId": 1, "_id": 1 }),
            IndexModel::builder().keys(doc! { "open": 1, "_id": 1 }).options(sparse).build(),
        ];
        self.collection("runs").create_indexes(runs).await?;
        for (part, within) in [
            ("snapshots", doc! { "_id.run": 1, "_id.worker": 1, "_id.epoch": 1 }),
            ("intervals", doc! { "_id.run": 1, "_id.number": 1 }),
            ("analyses", doc! { "_id.run": 1 }),
        ] {
            self.collection(part).create_index(plain(within)).await?;
        }
        let notes =
            [plain(doc! { "kind": 1, "_id": 1 }), plain(doc! { "kind": 1, "owner": 1, "_id": 1 })];
        self.collection("notes").create_indexes(notes).await?;
        let calls = self.collection("calls");
        calls.create_index(plain(doc! { "owner": 1, "atMs": 1 })).await?;
        let old = IndexOptions::builder().expire_after(CALL_KEPT).build();
        let old = IndexModel::builder().keys(doc! { "at": 1 }).options(old).build();
        calls.create_index(old).await?;
        for name in PARTS.into_iter().chain(["runs"]) {
            retain(&self.collection(name), retention).await?;
        }
        Ok(())
    }
}

/// Makes the index by the moment of the end, by which MongoDB deletes what is too old.
async fn retain(
    collection: &Collection<Document>,
    how_long: Option<Duration>,
) -> Result<(), Error> {
    const NAME: &str = "endedAt";
    // The server's codes for an index of this name or these keys with other options.
    const OTHER: [i32; 2] = [85, 86];
    // The server's limit. It is 68 years.
    let seconds = how_long.map(|t| Duration::from_secs(t.as_secs().min(i32::MAX as u64)));
    let options = IndexOptions::builder().name(NAME.to_owned()).expire_after(seconds).build();
    let index = IndexModel::builder().keys(doc! { "endedAt": 1 }).options(options).build();
    match collection.create_index(index.clone()).await {
        Err(error) if code(&error).is_some_and(|code| OTHER.contains(&code)) => {
            collection.drop_index(NAME).await?;
            collection.create_index(index).await.map(|_| ())
        }
        made => made.map(|_| ()),
    }
}

fn failed(address: &str, error: &Error) -> ConnectError {
    let (url, reason) = (redact(address), reason(error));
    match &*error.kind {
        // Such a text quotes parts of the address, among them parts of a password that is not
        // written as it should be.
        ErrorKind::InvalidArgument { .. } if has_password(address) => ConnectError::Address {
            url,
            reason: "write it as mongodb://name:password@host:port/database, with `:/?#[]@%` in \
                     the password percent-encoded"
                .into(),
        },
        ErrorKind::InvalidArgument { .. } => ConnectError::Address { url, reason },
        ErrorKind::Authentication { .. } | ErrorKind::Command(_) | ErrorKind::Write(_) => {
            ConnectError::Refused { url, reason }
        }
        _ => ConnectError::Unanswered { url, reason },
    }
}
