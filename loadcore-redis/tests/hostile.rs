//! Tests what a hostile worker can do to another's run: it has a worker's way to Redis, and tries all that it
//! can think of while two honest workers make the load.
//!
//! Twice: with the users that the README shows, which refuse most of it; and where everybody may do
//! everything, so that only signatures are in its way. Each run must come to its end, whole, with
//! exactly its counts.

mod hostile {
    pub mod attempts;
    pub mod platform;
}
mod support;

use hostile::attempts::{Attempt, Scene, attempts};
use hostile::platform::Platform;
use std::collections::BTreeMap;
use std::time::Duration;
use support::Server;

/// How often an attempt that should be noticed is made until it was: an honest worker's next word may
/// come before anybody has looked.
const TRIES: u32 = 20;
/// From one try to the next look.
const A_WHILE: Duration = Duration::from_millis(100);

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    /// Redis did not let it.
    Refused,
    /// It was seen, counted and had no effect.
    Noticed,
    /// It had no effect.
    Nothing,
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_workers_rights_nothing_is_forged() {
    let server = Server::start_with_users().await;
    let controller = server.url_of("loadcore-controller", support::CONTROLLER[1]);
    let worker = server.url_of("loadcore-worker", support::WORKER[1]);
    let became = play(Platform::start(&controller, &worker).await, &server, &worker).await;
    for (what, (attempt, became)) in &became {
        let refused = *became == Became::Refused;
        assert_eq!(refused, attempt.needs_more_rights, "{what}: {became:?}");
    }
    table("a worker's rights", &became);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_all_rights_nothing_is_forged_either() {
    let server = Server::start().await;
    let url = server.url();
    let became = play(Platform::start(&url, &url).await, &server, &url).await;
    assert!(became.values().all(|(_, became)| *became != Became::Refused), "{became:#?}");
    table("all rights", &became);
}

/// Makes every attempt once, in as many runs as that takes, and holds each run against what it should be.
async fn play(
    platform: Platform,
    server: &Server,
    hostile: &str,
) -> BTreeMap<&'static str, (Attempt, Became)> {
    let mut raw = redis::Client::open(hostile).unwrap().get_connection().unwrap();
    let ended = platform.begin().await;
    let mut scene = Scene::of_the_past(&platform, &ended, server).await;
    ended.comes_to_its_end(&platform).await;
    scene.remember_the_end(&ended, server);
    let mut became = BTreeMap::new();
    let all_rights = hostile == server.url();
    loop {
        let run = platform.begin().await;
        scene.look(&platform, &run, server).await;
        let left = attempts(&scene).into_iter();
        // Who leads may be robbed of the lead by who may write that: the threat model says so.
        let left = left.filter(|it| !(all_rights && it.needs_an_acl));
        let left = left.filter(|it| !became.contains_key(it.what)).collect::<Vec<_>>();
        if left.is_empty() {
            platform.stop(&run).await;
            break;
        }
        for attempt in left {
            if !run.has_time_left() {
                break;
            }
            let what = attempt.what;
            let outcome = make(&platform, &mut raw, &attempt).await;
            run.goes_on(&platform, what).await;
            became.insert(what, (attempt, outcome));
        }
        run.comes_to_its_end(&platform).await;
    }
    became
}

async fn make(platform: &Platform, raw: &mut redis::Connection, attempt: &Attempt) -> Became {
    let refused = |platform: &Platform| platform.refused(attempt.is_noticed_as.unwrap_or("beat"));
    let before = refused(platform);
    for _ in 0..TRIES {
        for command in &attempt.does {
            match command.exec(raw) {
                Err(error) if error.code() == Some("NOPERM") => return Became::Refused,
                // What it meant to change may not be there.
                Ok(()) | Err(_) => {}
            }
        }
        tokio::time::sleep(A_WHILE).await;
        if attempt.is_noticed_as.is_none() {
            return Became::Nothing;
        }
        for _ in 0..3 {
            if refused(platform) > before {
                return Became::Noticed;
            }
            tokio::time::sleep(A_WHILE).await;
        }
    }
    panic!("nobody has noticed: {}", attempt.what);
}

#[expect(clippy::print_stdout, reason = "whoever runs it wants to see it")]
fn table(rights: &str, became: &BTreeMap<&'static str, (Attempt, Became)>) {
    println!("| what a hostile worker with {rights} does | what becomes of it |\n|---|---|");
    for (what, (_, became)) in became {
        println!(
            "| {what} | {} |",
            match became {
                Became::Refused => "Redis refuses it",
                Became::Noticed => "it is counted and logged, and has no effect",
                Became::Nothing => "it has no effect",
            }
        );
    }
    println!("{} attempts", became.len());
    assert!(became.len() >= 20);
}
