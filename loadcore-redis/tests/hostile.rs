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
use hostile::platform::{Platform, SECONDS};
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
    for (attempt, became) in &became {
        let refused = *became == Became::Refused;
        assert_eq!(refused, attempt.needs_more_rights, "{attempt:?}: {became:?}");
    }
    table("a worker's rights", &became);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_all_rights_nothing_is_forged_either() {
    let server = Server::start().await;
    let url = server.url();
    let became = play(Platform::start(&url, &url).await, &server, &url).await;
    assert!(became.iter().all(|(_, became)| *became != Became::Refused), "{became:#?}");
    table("all rights", &became);
}

/// Makes every attempt once, in as many runs as that takes, and holds each run against what it should be.
async fn play(platform: Platform, server: &Server, hostile: &str) -> Vec<(Attempt, Became)> {
    let mut raw = redis::Client::open(hostile).unwrap().get_connection().unwrap();
    let past = platform.begin(3).await;
    let mut scene = Scene::of_the_past(&platform, &past, server).await;
    past.comes_to_its_end(&platform).await;
    scene.remember_the_end(&past, server).await;
    let mut became = Vec::new();
    let all_rights = hostile == server.url();
    let is_long = std::env::var_os("LOADCORE_LONG").is_some();
    let left = |scene: &Scene, made: usize| {
        let all = attempts(scene).into_iter();
        // Who leads may be robbed of the lead by who may write that: the threat model says so. What a
        // worker's rights allow needs to be tried with those alone, unless there is time.
        let is_tried = move |it: &Attempt| {
            !all_rights || (!it.needs_an_acl && (is_long || it.needs_more_rights))
        };
        all.filter(is_tried).skip(made).collect::<Vec<_>>()
    };
    while !left(&scene, became.len()).is_empty() {
        let run = platform.begin(SECONDS).await;
        scene.look(&platform, &run, server).await;
        for attempt in left(&scene, became.len()) {
            if !run.has_time_left() {
                break;
            }
            let outcome = make(&platform, &mut raw, &attempt).await;
            run.goes_on(&platform, attempt.what).await;
            became.push((attempt, outcome));
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
fn table(rights: &str, became: &[(Attempt, Became)]) {
    println!("| what a hostile worker with {rights} does | what becomes of it |\n|---|---|");
    for (attempt, became) in became {
        println!(
            "| {attempt:?} | {} |",
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
