//! Tests the contract of coordinators against a real Redis: each check is a test of its own.

mod support;

use libtest_mimic::{Arguments, Trial};
use loadcore::cluster::conformance::coordinator_checks;
use loadcore_redis::{RedisCoordinator, RedisOptions};
use std::process::ExitCode;
use std::sync::Arc;
use support::Server;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let runtime = Arc::new(tokio::runtime::Runtime::new().expect("a runtime"));
    // One server serves all checks, each under a prefix of its own.
    let server = (!arguments.list).then(|| runtime.block_on(Server::start()));
    let url = server.as_ref().map(Server::url).unwrap_or_default();
    let trials = coordinator_checks().into_iter().map(|check| {
        let options = RedisOptions { prefix: check.name.into(), ..RedisOptions::new(&url) };
        let runtime = Arc::clone(&runtime);
        Trial::test(check.name, move || {
            let coordinator = RedisCoordinator::new(&options)?;
            runtime.block_on(check.run(Arc::new(coordinator)));
            Ok(())
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    drop(server);
    conclusion.exit_code()
}
