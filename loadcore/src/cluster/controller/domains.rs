//! Turns a user's claim to a domain into a proof: a token that they publish there, as a file or a record
//! of DNS.
//!
//! Whoever can publish at a domain may load it, where the operator asks for proofs. A proof is good for
//! the domain and all below it, for one user, and for a time.

use super::api::ControllerError;
use super::challenge::Challenge;
use super::{Controller, Inner};
use crate::cluster::store::{Note, NoteKind, Page};
use crate::cluster::{Owner, StoreError};
use crate::http::{TargetList, TargetPolicy};
use crate::time::unix_millis;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// How long a proof is good.
const GOOD_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Domains of a user.
const MOST: usize = 100;
/// Names below which many people have their own: whoever proves one of them would prove all of theirs.
const SHARED: &[&str] = &[
    "ac.jp",
    "ac.uk",
    "amazonaws.com",
    "appspot.com",
    "azurewebsites.net",
    "blogspot.com",
    "cloudfront.net",
    "co.id",
    "co.il",
    "co.in",
    "co.jp",
    "co.kr",
    "co.nz",
    "co.th",
    "co.uk",
    "co.za",
    "com.ar",
    "com.au",
    "com.br",
    "com.cn",
    "com.co",
    "com.hk",
    "com.mx",
    "com.my",
    "com.sg",
    "com.tr",
    "com.tw",
    "com.ua",
    "com.vn",
    "firebaseapp.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "gov.uk",
    "herokuapp.com",
    "ne.jp",
    "net.au",
    "net.uk",
    "netlify.app",
    "onrender.com",
    "or.jp",
    "org.au",
    "org.nz",
    "org.uk",
    "pages.dev",
    "run.app",
    "s3.amazonaws.com",
    "vercel.app",
    "web.app",
    "workers.dev",
];

/// A domain that a user has proved, or wants to prove, to be theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its name, in small letters of ASCII.
    pub name: String,
    /// What is to be published.
    pub token: String,
    /// Until when it counts as proved, in milliseconds since 1970; `None`: it never was.
    pub proved_until_unix_ms: Option<u64>,
    revision: u64,
}

/// What is kept of it beside its name.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    token: String,
    proved_until_unix_ms: Option<u64>,
}

impl Domain {
    /// Whether it counts as proved now.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        self.proved_until_unix_ms.is_some_and(|until| until > unix_millis())
    }

    fn of(note: Note) -> Result<Self, ControllerError> {
        let kept: Kept = serde_json::from_value(note.document).map_err(|error| {
            ControllerError::Refused(format!(
                "what is kept of {} cannot be read: {error}",
                note.name
            ))
        })?;
        let Kept { token, proved_until_unix_ms } = kept;
        Ok(Self { name: note.name, token, proved_until_unix_ms, revision: note.revision })
    }

    fn note(&self, owner: &Owner) -> Note {
        let (token, proved_until_unix_ms) = (self.token.clone(), self.proved_until_unix_ms);
        Note {
            kind: NoteKind::Domain,
            owner: owner.clone(),
            name: self.name.clone(),
            revision: self.revision,
            document: json!(Kept { token, proved_until_unix_ms }),
        }
    }
}

/// A name that one user can have.
fn claimable(text: &str) -> Result<String, ControllerError> {
    let wrong = |why: &str| ControllerError::Refused(format!("{text:?} cannot be claimed: {why}"));
    let name = TargetList::name(text).map_err(|_| wrong("it is no domain's name"))?;
    if !name.contains('.') {
        return Err(wrong(
            "it is a whole top-level domain; give one below it, such as example.com",
        ));
    }
    if SHARED.contains(&name.as_str()) {
        return Err(wrong("others have domains below it; give yours"));
    }
    Ok(name)
}

impl Controller {
    /// Lets a user prove that a domain is theirs: with a token to be published there. Asked again the
    /// answer is the same.
    ///
    /// # Errors
    /// When it is no domain that one user can have, they have as many as may be, another controller leads,
    /// or the store does not answer.
    pub async fn claim_domain(&self, owner: &Owner, name: &str) -> Result<Domain, ControllerError> {
        self.inner().must_lead()?;
        let name = claimable(name)?;
        if let Some(known) = self.inner().domain(owner, &name).await? {
            return Ok(known);
        }
        if self.domains(owner).await?.len() >= MOST {
            let why =
                format!("a user has at most {MOST} domains; delete one (DELETE /domains/DOMAIN)");
            return Err(ControllerError::Refused(why));
        }
        let mut secret = [0; 24];
        let random = aws_lc_rs::rand::fill(&mut secret);
        random.map_err(|error| {
            ControllerError::Refused(format!("no token could be made: {error}"))
        })?;
        let token = format!("loadcore-{}", BASE64.encode(secret));
        let new = Domain { name, token, proved_until_unix_ms: None, revision: 0 };
        if self.store().keep_note(&new.note(owner)).await? {
            return Ok(Domain { revision: 1, ..new });
        }
        // Somebody else asked at the same time.
        let known = self.inner().domain(owner, &new.name).await?;
        known.ok_or_else(|| ControllerError::NoDomain(new.name))
    }

    /// A user's domains, in the order of their names, the last first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn domains(&self, owner: &Owner) -> Result<Vec<Domain>, ControllerError> {
        self.inner().domains(owner).await
    }

    /// Looks whether the token is published at a domain, and counts it as proved then.
    ///
    /// # Errors
    /// When the user has not claimed it, the token is nowhere, another controller leads, or the store does
    /// not answer.
    pub async fn prove_domain(&self, owner: &Owner, name: &str) -> Result<Domain, ControllerError> {
        let options = &self.inner().options;
        self.prove_by(owner, name, |name| Challenge::of(name, options)).await
    }

    async fn prove_by(
        &self,
        owner: &Owner,
        name: &str,
        challenge: impl FnOnce(&str) -> Challenge,
    ) -> Result<Domain, ControllerError> {
        let inner = self.inner();
        inner.must_lead()?;
        let name = claimable(name)?;
        let claimed = inner.domain(owner, &name).await?;
        let claimed = claimed.ok_or_else(|| ControllerError::NoDomain(name.clone()))?;
        let published = challenge(&name).is_met_by(&claimed.token).await;
        published.map_err(|seen| {
            ControllerError::NotProved(format!(
                "the token is not published at {name}: {seen}. Publish it as the file or the record that \
                 GET /domains shows, and ask again"
            ))
        })?;
        let good_for = u64::try_from(GOOD_FOR.as_millis()).unwrap_or(u64::MAX);
        let until = unix_millis().saturating_add(good_for);
        let proved = Domain { proved_until_unix_ms: Some(until), ..claimed };
        if !self.store().keep_note(&proved.note(owner)).await? {
            let why = format!("{name} was changed meanwhile: ask again");
            return Err(ControllerError::Refused(why));
        }
        Ok(Domain { revision: proved.revision + 1, ..proved })
    }

    /// Lets a domain go, and its proof; says whether it was there.
    ///
    /// # Errors
    /// When another controller leads, or the store does not answer.
    pub async fn delete_domain(&self, owner: &Owner, name: &str) -> Result<bool, ControllerError> {
        self.inner().must_lead()?;
        let Ok(name) = TargetList::name(name) else { return Ok(false) };
        Ok(self.store().delete_note(NoteKind::Domain, owner, &name).await?)
    }
}

impl Inner {
    /// Which targets a user's scenarios may load.
    pub(super) async fn policy_of(&self, owner: &Owner) -> Result<TargetPolicy, ControllerError> {
        let policy = self.options.policy.clone();
        if !self.options.requires_proof {
            return Ok(policy);
        }
        let mut proved = TargetList::default();
        for domain in self.domains(owner).await?.iter().filter(|domain| domain.is_proved()) {
            proved = proved.and(TargetList::domain(&domain.name).unwrap_or_default());
        }
        Ok(policy.requiring(&proved))
    }

    async fn domains(&self, owner: &Owner) -> Result<Vec<Domain>, ControllerError> {
        let page = Page { after: None, most: MOST };
        let notes = self.store.notes(NoteKind::Domain, Some(owner), &page).await?;
        notes.into_iter().map(Domain::of).collect()
    }

    async fn domain(&self, owner: &Owner, name: &str) -> Result<Option<Domain>, ControllerError> {
        let note: Result<_, StoreError> = self.store.note(NoteKind::Domain, owner, name).await;
        note?.map(Domain::of).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ControllerOptions;
    use crate::cluster::memory::{MemoryCoordinator, MemoryStore};
    use std::sync::Arc;

    async fn asking_for_proofs(policy: TargetPolicy) -> Controller {
        let options = ControllerOptions { requires_proof: true, policy, ..Default::default() };
        let (store, coordinator) = (MemoryStore::new(), MemoryCoordinator::new());
        Controller::start(Arc::new(store), Arc::new(coordinator), options).await.unwrap()
    }

    #[test]
    fn a_domain_is_one_users_and_no_list_of_others() {
        assert_eq!(claimable("Example.COM.").unwrap(), "example.com");
        assert_eq!(claimable("me.github.io").unwrap(), "me.github.io");
        for wrong in [
            "com",
            "co.uk",
            "CO.UK.",
            "github.io",
            "localhost",
            "10.0.0.1",
            "a b.c",
            "",
            "*.a.b",
            "::1",
        ] {
            let why = claimable(wrong).unwrap_err().to_string();
            assert!(why.contains("cannot be claimed"), "{wrong}: {why}");
        }
    }

    #[tokio::test]
    async fn what_is_not_proved_is_not_loaded_and_what_is_proved_is_the_users_alone_for_a_time() {
        let platform = asking_for_proofs(TargetPolicy::public_only()).await;
        let (ann, bob) = (Owner::from("ann"), Owner::from("bob"));
        let claimed = platform.claim_domain(&ann, "example.com").await.unwrap();
        assert_eq!(platform.claim_domain(&ann, "EXAMPLE.com").await.unwrap(), claimed);
        assert_ne!(platform.claim_domain(&bob, "example.com").await.unwrap().token, claimed.token);
        let may = async |owner: &Owner, host: &str, address: &str| {
            let policy = platform.inner().policy_of(owner).await.unwrap();
            policy.check(host, address.parse().unwrap())
        };
        let refused = may(&ann, "example.com", "1.1.1.1:80").await.unwrap_err().to_string();
        assert!(refused.contains("PUT /domains/"), "{refused}");
        for (until, proved) in [(unix_millis() + 60_000, true), (unix_millis() - 1, false)] {
            let known = platform.inner().domain(&ann, "example.com").await.unwrap().unwrap();
            let changed = Domain { proved_until_unix_ms: Some(until), ..known };
            assert!(platform.store().keep_note(&changed.note(&ann)).await.unwrap());
            for (host, address, allowed) in [
                ("example.com", "1.1.1.1:80", proved),
                ("a.b.example.com", "1.1.1.1:443", proved),
                ("notexample.com", "1.1.1.1:80", false),
                ("1.1.1.1", "1.1.1.1:80", false),
                // A proof opens no private network.
                ("example.com", "10.0.0.1:80", false),
                ("example.com", "127.0.0.1:80", false),
            ] {
                assert_eq!(
                    may(&ann, host, address).await.is_ok(),
                    allowed,
                    "{host} {address} {until}"
                );
            }
            assert!(may(&bob, "example.com", "1.1.1.1:80").await.is_err());
        }
        assert!(platform.delete_domain(&ann, "example.com").await.unwrap());
        assert!(!platform.delete_domain(&ann, "example.com").await.unwrap());
        let none = platform.prove_domain(&ann, "example.com").await.unwrap_err();
        assert!(matches!(none, ControllerError::NoDomain(_)), "{none}");
    }

    #[tokio::test]
    async fn what_the_operator_lists_needs_no_proof() {
        let list: TargetList = "10.0.0.0/8,intranet.test".parse().unwrap();
        let platform = asking_for_proofs(TargetPolicy::public_only().allowing(list)).await;
        let policy = platform.inner().policy_of(&Owner::local()).await.unwrap();
        let may = |host: &str, address: &str| policy.check(host, address.parse().unwrap()).is_ok();
        assert!(may("x", "10.0.0.1:80") && may("intranet.test", "192.168.0.1:80"));
        assert!(!may("x", "1.1.1.1:80"));
    }

    #[tokio::test]
    async fn a_token_that_is_nowhere_proves_nothing_and_all_places_are_told() {
        // Nothing of it is looked for beyond this machine.
        let policy = TargetPolicy::only("127.0.0.1".parse().unwrap());
        let platform = asking_for_proofs(policy).await;
        let owner = Owner::local();
        platform.claim_domain(&owner, "nobody.invalid").await.unwrap();
        let told = platform.prove_domain(&owner, "nobody.invalid").await.unwrap_err().to_string();
        assert!(
            told.contains("DNS") && told.contains("https://nobody.invalid/.well-known/"),
            "{told}"
        );
        assert!(!platform.domains(&owner).await.unwrap()[0].is_proved());
    }

    #[cfg(feature = "dns")]
    #[tokio::test]
    async fn a_record_opens_a_domain_to_who_published_it_until_it_is_let_go() {
        use crate::cluster::controller::challenge::tests::recorded;
        use crate::http::name_server::Record;
        let platform = asking_for_proofs(TargetPolicy::public_only()).await;
        let (ann, bob) = (Owner::from("ann"), Owner::from("bob"));
        let (claimed, bobs) = (
            platform.claim_domain(&ann, "shop.test").await.unwrap(),
            platform.claim_domain(&bob, "shop.test").await.unwrap(),
        );
        let prove = async |owner: &Owner, token: &str| {
            let text = Record::Text(vec![token.to_owned()]);
            let challenge = recorded(vec![("_loadcore.shop.test".to_owned(), text)]).await;
            platform.prove_by(owner, "Shop.TEST.", |_| challenge).await
        };
        let may = async |owner: &Owner, host: &str| {
            let policy = platform.inner().policy_of(owner).await.unwrap();
            policy.check(host, "1.1.1.1:443".parse().unwrap()).is_ok()
        };
        for wrong in ["", &claimed.token[1..], &bobs.token] {
            let told = prove(&ann, wrong).await.unwrap_err();
            assert!(matches!(told, ControllerError::NotProved(_)), "{wrong}: {told}");
            assert!(!platform.domains(&ann).await.unwrap()[0].is_proved());
            assert!(!may(&ann, "shop.test").await, "{wrong}");
        }
        let begun = unix_millis();
        let proved = prove(&ann, &claimed.token).await.unwrap();
        let days = (proved.proved_until_unix_ms.unwrap() - begun) / (24 * 60 * 60 * 1_000);
        assert_eq!((proved.is_proved(), days), (true, 90));
        assert_eq!(platform.domains(&ann).await.unwrap(), [proved]);
        assert!(may(&ann, "shop.test").await && may(&ann, "a.shop.test").await);
        assert!(!may(&ann, "shop.test.evil.test").await && !may(&bob, "shop.test").await);
        // Another look finds nothing: what was proved is good for its time.
        prove(&ann, "loadcore-of-nobody").await.unwrap_err();
        assert!(may(&ann, "shop.test").await);
        assert!(platform.delete_domain(&ann, "shop.test").await.unwrap());
        assert!(!may(&ann, "shop.test").await);
        // Whoever claims it again has to publish another token.
        assert_ne!(platform.claim_domain(&ann, "shop.test").await.unwrap().token, claimed.token);
        prove(&ann, &claimed.token).await.unwrap_err();
    }

    #[cfg(feature = "dns")]
    #[tokio::test(flavor = "multi_thread")]
    async fn a_target_is_loaded_once_its_file_was_found_and_not_before() {
        use crate::cluster::AgentOptions;
        use crate::cluster::controller::LocalWorkers;
        use crate::cluster::controller::challenge::tests::Web;
        use crate::scenario::Scenario;
        use std::sync::atomic::Ordering;
        let (most, options) = (1, AgentOptions::default());
        let options = ControllerOptions {
            requires_proof: true,
            local_workers: Some(LocalWorkers { most, options }),
            ..Default::default()
        };
        let (store, coordinator) = (MemoryStore::new(), MemoryCoordinator::new());
        let platform = Controller::start(Arc::new(store), Arc::new(coordinator), options).await;
        let (platform, ann) = (platform.unwrap(), Owner::local());
        let web = Web::start(None).await;
        let run = async |host: &str| {
            let document = json!({
                "name": "a", "targetUrl": format!("http://{host}:{}/", web.port),
                "durationSeconds": 0.5, "loadProfile": {"type": "CONSTANT", "initialRps": 40},
            });
            platform.run(&Scenario::from_value(document).unwrap()).await
        };
        let refused = async |host: &str| {
            let told = run(host).await.unwrap_err().to_string();
            assert!(told.contains("targetUrl: ") && told.contains("PUT /domains/"), "{told}");
        };
        let token = platform.claim_domain(&ann, "shop.localhost").await.unwrap().token;
        web.publish("loadcore-of-somebody-else");
        let prove =
            async || platform.prove_by(&ann, "shop.localhost", |name| web.challenge(name)).await;
        prove().await.unwrap_err();
        refused("shop.localhost").await;
        web.publish(&token);
        assert!(prove().await.unwrap().is_proved());
        let result = run("shop.localhost").await.unwrap();
        assert_eq!((result.arrivals.due, result.outcomes.ok), (20, 20), "{result:?}");
        assert_eq!(run("a.shop.localhost").await.unwrap().outcomes.ok, 20);
        // The same server by a name that nobody has proved, and by its address.
        refused("other.localhost").await;
        refused("127.0.0.1").await;
        assert!(platform.delete_domain(&ann, "shop.localhost").await.unwrap());
        refused("shop.localhost").await;
        assert_eq!(web.others.load(Ordering::Relaxed), 40, "nothing else has come");
        platform.shut_down().await;
    }
}
