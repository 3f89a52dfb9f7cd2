//! Turns options into a store and a coordinator that answer.

use crate::options::Options;
use crate::serve::ServeError;
use loadcore::cluster::disk::DiskStore;
use loadcore::cluster::memory::MemoryCoordinator;
use loadcore::cluster::secrets::Secrets;
use loadcore::cluster::{Coordinator, Store};
use loadcore::http::TargetList;
use loadcore_mongo::{ConnectError, MongoStore};
use loadcore_redis::{RedisCoordinator, RedisOptions, redact};
use std::fs::DirBuilder;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

/// Keys that a platform had before, at most.
const MOST_PREVIOUS: usize = 8;

/// Why there is none.
#[derive(Debug)]
pub enum Failure {
    /// Somebody is not there, and may come: to be tried again.
    NotThere(String),
    /// It cannot become right by itself.
    Wrong(ServeError),
}

/// The store in MongoDB.
///
/// # Errors
/// When it is not there or cannot be used; without passwords.
pub async fn mongo(options: &Options, url: &str) -> Result<Arc<dyn Store>, Failure> {
    // It deletes by itself then, however much that is at once.
    let settings = loadcore_mongo::Options { retention: options.retention };
    match MongoStore::connect(url, settings).await {
        Ok(store) => Ok(Arc::new(store)),
        Err(error @ ConnectError::Address { .. }) => {
            Err(Failure::Wrong(ServeError::Usage(error.to_string())))
        }
        // A server that refuses may still be starting, or be given its users.
        Err(error) => Err(Failure::NotThere(error.to_string())),
    }
}

/// The store on this machine's disk.
///
/// # Errors
/// When it cannot be used.
pub async fn on_disk(options: &Options) -> Result<DiskStore, ServeError> {
    let dir = options.data_dir.clone();
    // A large file is read through, which takes its time.
    let opened = tokio::task::spawn_blocking(move || DiskStore::open(&dir)).await;
    match opened {
        Ok(Ok(store)) => Ok(store),
        Ok(Err(error)) => Err(ServeError::Broken(error.to_string())),
        Err(error) => Err(ServeError::Broken(format!("the store could not be opened: {error}"))),
    }
}

/// The coordinator that the options name.
///
/// # Errors
/// When it is not there or cannot be used; without passwords.
pub async fn coordinator(options: &Options) -> Result<Arc<dyn Coordinator>, Failure> {
    let Some(url) = &options.redis else { return Ok(Arc::new(MemoryCoordinator::new())) };
    let coordinator = RedisCoordinator::new(&RedisOptions::new(url.as_str()))
        .map_err(|error| Failure::Wrong(ServeError::Usage(error.to_string())))?;
    match coordinator.now_us().await {
        Ok(_) => Ok(Arc::new(coordinator)),
        Err(error) => Err(Failure::NotThere(format!("Redis at {}: {error}", redact(url)))),
    }
}

/// What nobody may load through the platform: its own API at `address`, its health and metrics, and the
/// servers that it keeps and carries things in.
pub async fn own_addresses(options: &Options, address: SocketAddr) -> TargetList {
    let listeners: Vec<_> =
        [Some(address), options.actuator_listen].into_iter().flatten().collect();
    let redis = options.redis.as_deref().and_then(loadcore_redis::server);
    let mut servers: Vec<_> = redis.into_iter().collect();
    if let Some(url) = &options.mongo {
        servers.extend(loadcore_mongo::servers(url).await);
    }
    loadcore::http::own_addresses(&listeners, &servers).await
}

/// The key of what is secret: the environment's, else a file's that is made where there is none; beside
/// those that the platform had before.
///
/// # Errors
/// When one cannot be read or made; wrong usage where one of the environment's is none.
pub fn secrets(options: &Options) -> Result<Secrets, ServeError> {
    Ok(own_key(options)?.after(previous_keys(options)?))
}

/// Those of the environment, and that of the file beside the key's.
fn previous_keys(options: &Options) -> Result<Vec<Secrets>, ServeError> {
    let text = std::env::var("LOADCORE_SECRET_KEY_PREVIOUS").unwrap_or_default();
    let given: Vec<_> = text.split(',').map(str::trim).filter(|key| !key.is_empty()).collect();
    if given.len() > MOST_PREVIOUS {
        let found = given.len();
        return Err(ServeError::Usage(format!(
            "LOADCORE_SECRET_KEY_PREVIOUS: {found} keys; give at most {MOST_PREVIOUS}, with commas between"
        )));
    }
    let wrong =
        |error| ServeError::Usage(format!("LOADCORE_SECRET_KEY_PREVIOUS, between commas: {error}"));
    // A key may have a comma in it.
    let whole = Secrets::from_text(&text).ok().filter(|_| given.len() > 1);
    let mut keys: Vec<_> = whole.into_iter().collect();
    let is_one = !keys.is_empty();
    for key in given {
        match Secrets::from_text(key) {
            Ok(key) => keys.push(key),
            Err(_) if is_one => {}
            Err(error) => return Err(wrong(error)),
        }
    }
    let file = options.data_dir.join("secret.key.previous");
    if file.try_exists().unwrap_or(false) {
        keys.push(Secrets::from_file(&file).map_err(ServeError::Broken)?);
    }
    Ok(keys)
}

fn own_key(options: &Options) -> Result<Secrets, ServeError> {
    match std::env::var("LOADCORE_SECRET_KEY") {
        Ok(text) if !text.is_empty() => Secrets::from_text(&text)
            .map_err(|error| ServeError::Usage(format!("LOADCORE_SECRET_KEY: {error}"))),
        _ => {
            let dir = &options.data_dir;
            if options.mongo.is_some() {
                tracing::warn!(
                    "secrets are sealed with a key in {}: give LOADCORE_SECRET_KEY where other \
                     controllers share this MongoDB",
                    dir.display()
                );
            }
            private_dir(dir).map_err(|error| {
                let dir = dir.display();
                ServeError::Broken(format!("the data directory {dir} cannot be made: {error}"))
            })?;
            Secrets::from_file(&dir.join("secret.key")).map_err(ServeError::Broken)
        }
    }
}

/// Makes a directory for its owner alone, where it is not there.
fn private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}
