//! Tests the contract of the store, each promise against a real server that is killed and frozen.

use async_trait::async_trait;
use libtest_mimic::{Arguments, Trial};
use loadcore::cluster::Store;
use loadcore::cluster::conformance::store::{CHECKS, Check, Subject};
use loadcore_mongo::{MongoStore, Options};
use loadcore_test_support::mongo::Server;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::sync::Mutex;

fn main() -> ExitCode {
    let trials = CHECKS.iter().map(|check| Trial::test(check.name, || run(check)));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn run(check: &'static Check) -> Result<(), libtest_mimic::Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = Mutex::new(Server::any().await);
        check.run(&Mongo { server }).await;
    });
    Ok(())
}

struct Mongo {
    server: Mutex<Server>,
}

#[async_trait]
impl Subject for Mongo {
    async fn open(&self) -> Arc<dyn Store> {
        let server = self.server.lock().await;
        let store = MongoStore::connect(server.url(), Options::default()).await;
        Arc::new(store.unwrap_or_else(|error| panic!("the store is connected: {error}")))
    }

    /// A server that the tests did not start goes on; then the store is only connected anew.
    async fn kill(&self) {
        let mut server = self.server.lock().await;
        if server.is_own() {
            server.kill();
            server.start_again().await;
        }
    }

    async fn silence(&self) -> bool {
        let mut server = self.server.lock().await;
        if server.is_own() {
            server.freeze();
        }
        server.is_own()
    }
}
