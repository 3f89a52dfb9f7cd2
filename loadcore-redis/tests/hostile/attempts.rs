//! Lists what a hostile worker tries against another's run, as commands to Redis.

use super::platform::{Platform, Run};
use crate::support::Server;
use loadcore::cluster::conformance::a_report;
use loadcore::cluster::coordinator::{SnapshotRecord, TaskReport, TaskState, WorkerReport};
use loadcore::cluster::journal::{Entry, Line};
use loadcore::cluster::signed::{About, Signer};
use loadcore::cluster::{RunId, WorkerId};
use loadcore::record::Snapshot;
use loadcore::schedule::Share;
use redis::{Cmd, ToRedisArgs, cmd};
use serde_json::json;
use std::fmt;
use std::time::Duration;

const WORKERS: &str = "loadcore:workers";
const RESULTS: &str = "loadcore:results";
const TASKS: &str = "loadcore:tasks";

/// Something that is tried.
pub struct Attempt {
    pub what: &'static str,
    pub does: Vec<Cmd>,
    /// A worker's user may not do it.
    pub needs_more_rights: bool,
    /// Nothing but the users' rights is in its way.
    pub needs_an_acl: bool,
    /// Whom the controller counts it with; `None`: there is nothing to notice.
    pub is_noticed_as: Option<&'static str>,
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

/// An entry of a stream: its id, and its fields.
type Stored = (String, Vec<(Vec<u8>, Vec<u8>)>);

/// What the hostile worker knows.
pub struct Scene {
    own: Signer,
    run: RunId,
    /// The worker in whose name it speaks.
    victim: WorkerId,
    lines: Vec<Vec<u8>>,
    /// What the victim has said before.
    old_beat: Vec<u8>,
    old_record: Vec<u8>,
    /// Of a run that is over.
    past_lines: Vec<Vec<u8>>,
    past_plan: Vec<u8>,
    past_record: Vec<u8>,
}

impl Scene {
    /// What stands in Redis of a run that goes on and will be over.
    pub async fn of_the_past(platform: &Platform, run: &Run, server: &Server) -> Self {
        let mut scene = Self {
            own: Signer::random().unwrap(),
            run: run.id.clone(),
            victim: platform.workers[0].clone(),
            lines: Vec::new(),
            old_beat: Vec::new(),
            old_record: Vec::new(),
            past_lines: Vec::new(),
            past_plan: Vec::new(),
            past_record: Vec::new(),
        };
        scene.look(platform, run, server).await;
        let plan = cmd("GET").arg(scene.key("plan")).query(&mut server.raw()).unwrap();
        (scene.past_lines, scene.past_plan) = (scene.lines.clone(), plan);
        scene.past_record = scene.old_record.clone();
        scene
    }

    /// The end of that run, as the platform has said it: it does so once the run has ended.
    pub async fn remember_the_end(&mut self, run: &Run, server: &Server) {
        self.run = run.id.clone();
        let end = loop {
            match &self.journal(server)[..] {
                [end] => break end.clone(),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        self.past_lines.push(end);
    }

    /// Looks at the run that goes on now, until the victim has handed in something.
    pub async fn look(&mut self, platform: &Platform, run: &Run, server: &Server) {
        self.run = run.id.clone();
        let record = platform.record(run).await;
        let epoch = record.journal.iter().find_map(|entry| match entry {
            Entry::Take { worker, epoch, .. } if *worker == self.victim => Some(*epoch),
            _ => None,
        });
        let field = format!("{}/{}", epoch.expect("it makes load"), self.victim);
        let mut raw = server.raw();
        self.old_record = loop {
            let newest = cmd("HGET").arg(self.key("newest")).arg(&field).query(&mut raw).unwrap();
            match newest {
                Some(newest) => break newest,
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        let read = cmd("HGET").arg(WORKERS).arg(self.victim.as_str()).clone();
        let beat: Vec<u8> = read.query(&mut raw).unwrap();
        let time = beat.iter().position(|byte| *byte == b' ').unwrap();
        self.old_beat = beat[time + 1..].to_vec();
        self.lines = self.journal(server);
    }

    fn key(&self, name: &str) -> String {
        format!("loadcore:{{{}}}:{name}", self.run)
    }

    fn journal(&self, server: &Server) -> Vec<Vec<u8>> {
        let range = cmd("XRANGE").arg(self.key("journal")).arg(&["-", "+"]).clone();
        let entries: Vec<Stored> = range.query(&mut server.raw()).unwrap();
        entries.into_iter().map(|(_, fields)| fields[0].1.clone()).collect()
    }

    /// The place after the journal's end.
    fn next(&self) -> u64 {
        self.lines.len() as u64
    }

    /// Under which the victim's snapshots stand.
    fn field(&self) -> String {
        let epoch = self.old_record().epoch;
        format!("{epoch}/{}", self.victim)
    }

    fn old_record(&self) -> SnapshotRecord {
        let end = self.old_record.iter().position(|byte| *byte == b'\n').unwrap();
        let head: serde_json::Value = serde_json::from_slice(&self.old_record[20..end]).unwrap();
        SnapshotRecord {
            run: self.run.clone(),
            worker: self.victim.clone(),
            epoch: head["epoch"].as_u64().unwrap(),
            seq: str::from_utf8(&self.old_record[..20]).unwrap().parse().unwrap(),
            elapsed_ns: head["elapsedNs"].as_u64().unwrap(),
            is_final: head["isFinal"].as_bool().unwrap(),
            bytes: self.old_record[end + 1..].to_vec().into(),
        }
    }

    /// A line at the journal's end.
    fn adds(&self, line: impl ToRedisArgs) -> Vec<Cmd> {
        self.adds_at(&format!("0-{}", self.next() + 1), line)
    }

    fn adds_at(&self, id: &str, line: impl ToRedisArgs) -> Vec<Cmd> {
        vec![cmd("XADD").arg(self.key("journal")).arg(id).arg("entry").arg(line).clone()]
    }

    /// An entry at the journal's end that it has signed itself.
    fn signs(&self, entry: &Entry) -> Vec<Cmd> {
        self.adds(&Line::new(&self.own, &self.run, self.next(), entry).0[..])
    }

    /// Another journal in the place of the run's.
    fn replaces(&self, lines: &[Vec<u8>]) -> Vec<Cmd> {
        let mut does = vec![cmd("DEL").arg(self.key("journal")).clone()];
        for (number, line) in (1..).zip(lines) {
            does.extend(self.adds_at(&format!("0-{number}"), &line[..]));
        }
        does
    }

    fn beats(&self, worker: &WorkerId, said: &[u8]) -> Vec<Cmd> {
        // As soon as there is a time that Redis can have.
        let at_us = loadcore::time::unix_millis() * 1_000;
        let stored = [format!("{at_us} ").as_bytes(), said].concat();
        vec![cmd("HSET").arg(WORKERS).arg(worker.as_str()).arg(stored).clone()]
    }

    /// A report in the victim's name that it has signed itself.
    fn lies(&self, change: impl Fn(&mut WorkerReport)) -> Vec<Cmd> {
        let mut report = a_report(self.victim.as_str(), 1 << 60);
        report.task = Some(self.task(TaskState::Running));
        change(&mut report);
        self.beats(&self.victim, &report.say(&self.own).said)
    }

    fn task(&self, state: TaskState) -> TaskReport {
        let epoch = self.old_record().epoch;
        TaskReport { run: self.run.clone(), epoch, applied: self.next(), released_ns: 0, state }
    }

    /// A snapshot where the victim's newest stands, and on its way to the controller.
    fn hands_in(&self, record: &[u8]) -> Vec<Cmd> {
        let stands = cmd("HSET").arg(self.key("newest")).arg(self.field()).arg(record).clone();
        let goes = cmd("XADD").arg(RESULTS).arg("*").arg("snapshot").arg(record).clone();
        vec![stands, goes]
    }

    /// The victim's own snapshot with something changed that is not among its bytes.
    fn changes(&self, change: impl Fn(&mut SnapshotRecord)) -> Vec<Cmd> {
        let mut record = self.old_record();
        change(&mut record);
        self.hands_in(&stored(&record))
    }
}

/// As it stands in Redis.
fn stored(it: &SnapshotRecord) -> Vec<u8> {
    let head = json!({
        "run": it.run, "worker": it.worker, "epoch": it.epoch,
        "elapsedNs": it.elapsed_ns, "isFinal": it.is_final,
    });
    [format!("{:020}{head}\n", it.seq).as_bytes(), &it.bytes].concat()
}

/// All that is tried, in this order.
pub fn attempts(scene: &Scene) -> Vec<Attempt> {
    let of_journal = journal(scene).into_iter().map(|(what, does, is_noticed)| Attempt {
        what,
        does,
        needs_more_rights: true,
        needs_an_acl: false,
        is_noticed_as: is_noticed.then_some("journal"),
    });
    let of_beats = beats(scene).into_iter().map(|(what, does, is_noticed)| Attempt {
        what,
        does,
        needs_more_rights: false,
        needs_an_acl: false,
        is_noticed_as: is_noticed.then_some("beat"),
    });
    let of_snapshots = snapshots(scene).into_iter().map(|(what, does, is_noticed)| Attempt {
        what,
        does,
        needs_more_rights: false,
        needs_an_acl: false,
        is_noticed_as: is_noticed.then_some("snapshot"),
    });
    let of_rights = beyond_its_rights(scene).into_iter().map(|(what, does, needs_an_acl)| {
        Attempt { what, does, needs_more_rights: true, needs_an_acl, is_noticed_as: None }
    });
    of_journal.chain(of_beats).chain(of_snapshots).chain(of_rights).collect()
}

/// What is tried, how, and whether it must be noticed.
type Tried = (&'static str, Vec<Cmd>, bool);

fn journal(scene: &Scene) -> Vec<Tried> {
    let (run, victim, own) = (&scene.run, scene.victim.clone(), &scene.own);
    let epoch = scene.old_record().epoch;
    let me = WorkerId::of_key(own.key());
    let json = |entry: &Entry| serde_json::to_vec(entry).unwrap();
    let part = Share::WHOLE;
    let mut reversed = scene.lines.clone();
    reversed.reverse();
    let rubbish = vec![b"rubbish".to_vec(); scene.lines.len()];
    let mut all_but_last = scene.lines.clone();
    all_but_last.pop();
    let (own_line, own_end) = (Line::new(own, run, 0, &Entry::Close), Line::end(own, run));
    let [past @ .., past_end] = &scene.past_lines[..] else { panic!("a run was over before") };
    let mailbox = format!("loadcore:{{worker-{victim}}}");
    let mail = |line: &[u8]| {
        let plan = cmd("SET").arg(format!("{mailbox}:plan")).arg("").clone();
        let journal = format!("{mailbox}:journal");
        let line = cmd("XADD").arg(journal).arg("*").arg("entry").arg(line).clone();
        vec![plan, line]
    };
    let own_mail = Line::new(own, &format!("worker-{victim}").into(), 0, &Entry::Close);
    let lost = Entry::Lost { worker: victim.clone(), epoch, at_ns: 0, applied: 0, left: false };
    let admit = Entry::Admit {
        worker: me.clone(),
        epoch: 1,
        key: String::new(),
        means: None,
        lease_ms: 60_000,
        name: "hostile".into(),
    };
    let release = Entry::Release { worker: victim, epoch, part, from_ns: 0 };
    let plan = |plan: &[u8]| vec![cmd("SET").arg(scene.key("plan")).arg(plan).clone()];
    let own_plan = own.say(&About::Plan(run), b"a plan");
    vec![
        ("says stop, unsigned", scene.adds(json(&Entry::Stop { at_ns: 0 })), true),
        ("says stop, signed by itself", scene.signs(&Entry::Stop { at_ns: 0 }), true),
        ("says pause", scene.signs(&Entry::Pause { at_ns: 0 }), true),
        (
            "says a rate of 100,000",
            scene.signs(&Entry::Rate { at_ns: 0, target_rps: 1e5, over_seconds: 0.0 }),
            true,
        ),
        ("says that another is lost", scene.signs(&lost), true),
        ("takes another's share", scene.signs(&release), true),
        (
            "takes the whole load",
            scene.signs(&Entry::Take { worker: me, epoch: 1, part, from_ns: 0, past: 0 }),
            true,
        ),
        ("admits itself", scene.signs(&admit), true),
        ("closes the run, unsigned", scene.adds_at("1-1", json(&Entry::Close)), true),
        ("closes the run, signed by itself", scene.adds_at("1-1", &own_end.0[..]), true),
        ("closes the run with the end of another", scene.adds_at("1-1", &past_end[..]), true),
        ("repeats a line of the run at its end", scene.adds(&scene.lines[0][..]), true),
        ("puts another run's lines in the place of its own", scene.replaces(past), true),
        ("turns the journal round", scene.replaces(&reversed), true),
        ("writes rubbish over the journal", scene.replaces(&rubbish), true),
        ("cuts the journal's end off", scene.replaces(&all_but_last), false),
        ("adds a line far ahead", scene.adds_at("0-4000000000", &own_line.0[..]), true),
        (
            "removes journal and plan",
            { vec![cmd("DEL").arg(scene.key("journal")).arg(scene.key("plan")).clone()] },
            false,
        ),
        ("puts rubbish in the plan's place", plan(b"rubbish"), false),
        ("puts a plan there that it has signed", plan(&own_plan), false),
        ("puts another run's plan there", plan(&scene.past_plan), false),
        ("asks another to drain, unsigned", mail(&json(&Entry::Close)), false),
        ("asks another to drain, signed by itself", mail(&own_mail.0), false),
    ]
}

fn beats(scene: &Scene) -> Vec<Tried> {
    let victim = &scene.victim;
    let mut unsigned = a_report(victim.as_str(), 1 << 60);
    unsigned.task = Some(scene.task(TaskState::Refused { reason: "I will not".into() }));
    let mut old = unsigned.clone();
    old.protocol = 2;
    let json = |report: &WorkerReport| serde_json::to_vec(report).unwrap();
    let me = WorkerId::of_key(scene.own.key());
    let mut mine = a_report(me.as_str(), 1);
    mine.task = Some(TaskReport { epoch: 1, ..scene.task(TaskState::Taken) });
    let refuses = TaskState::Refused { reason: "I will not".into() };
    vec![
        ("says that another refuses, unsigned", scene.beats(victim, &json(&unsigned)), true),
        ("says so in words of an older version", scene.beats(victim, &json(&old)), true),
        (
            "says that another refuses",
            scene.lies(|it| it.task = Some(scene.task(refuses.clone()))),
            true,
        ),
        ("says that another drains", scene.lies(|it| it.draining = true), true),
        ("says that another has left", scene.lies(|it| it.left = true), true),
        ("says so as before", scene.beats(victim, b"left"), true),
        ("says that another is in no run", scene.lies(|it| it.task = None), true),
        (
            "says that another's lease was over",
            scene.lies(|it| it.task = Some(scene.task(TaskState::Fenced))),
            true,
        ),
        (
            "says a number that no beat of another's could follow",
            { scene.lies(|it| it.beat = u64::MAX) },
            true,
        ),
        ("repeats an old beat of another", scene.beats(victim, &scene.old_beat), false),
        (
            "puts rubbish in the place of a beat",
            { vec![cmd("HSET").arg(WORKERS).arg(victim.as_str()).arg(&b"\xff\x00"[..]).clone()] },
            false,
        ),
        ("beats as itself, in this run", scene.beats(&me, &mine.say(&scene.own).said), false),
    ]
}

fn snapshots(scene: &Scene) -> Vec<Tried> {
    let me = WorkerId::of_key(scene.own.key());
    let mut counts = Snapshot { worker: scene.victim.to_string(), ..Snapshot::default() };
    (counts.epoch, counts.seq, counts.is_final) = (scene.old_record().epoch, 1 << 60, true);
    counts.total.counters.sent = 1_000_000;
    let forged = SnapshotRecord {
        seq: counts.seq,
        is_final: true,
        bytes: counts.encode().into(),
        ..scene.old_record()
    };
    let unsigned = stored(&forged);
    let signed = stored(&forged.clone().say(&scene.own));
    counts.worker = me.to_string();
    let mine = SnapshotRecord { worker: me, bytes: counts.encode().into(), ..forged };
    let mine = stored(&mine.say(&scene.own));
    let durable =
        |words: &[u8]| vec![cmd("HSET").arg(scene.key("newest")).arg("durable").arg(words).clone()];
    vec![
        ("hands in counts in another's name, unsigned", scene.hands_in(&unsigned), true),
        ("hands in counts in another's name, signed by itself", scene.hands_in(&signed), true),
        ("says that another's snapshot is its last", scene.changes(|it| it.is_final = true), true),
        ("gives another's snapshot a greater number", scene.changes(|it| it.seq += 1_000), true),
        ("gives it the greatest number", scene.changes(|it| it.seq = u64::MAX), true),
        ("gives it another time", scene.changes(|it| it.elapsed_ns += 1), true),
        (
            "changes a byte of it",
            scene.changes(|it| {
                let mut bytes = it.bytes.to_vec();
                *bytes.last_mut().unwrap() ^= 1;
                it.bytes = bytes.into();
            }),
            true,
        ),
        ("repeats an old snapshot of another", scene.hands_in(&scene.old_record), false),
        ("repeats one of another run", scene.hands_in(&scene.past_record), false),
        ("puts rubbish in the place of a snapshot", scene.hands_in(b"rubbish"), false),
        ("hands in counts in its own name", scene.hands_in(&mine), false),
        ("puts words beside the snapshots", durable(b"99999"), false),
        (
            "removes the results on their way",
            { vec![cmd("XADD").arg(RESULTS).arg("MAXLEN").arg(0).arg(&["*", "a", "b"]).clone()] },
            false,
        ),
        (
            "takes the tasks and vanishes",
            {
                let read = ["GROUP", "all", "all", "COUNT", "100", "STREAMS", TASKS, ">"];
                vec![cmd("XREADGROUP").arg(&read).clone()]
            },
            false,
        ),
        (
            "lets another's beats and snapshots run out",
            {
                let runs_out = |key: &str| cmd("PEXPIRE").arg(key).arg(1).clone();
                vec![runs_out(WORKERS), runs_out(&scene.key("newest")), runs_out(RESULTS)]
            },
            false,
        ),
    ]
}

/// What is tried, how, and whether only Redis can keep it from that.
fn beyond_its_rights(scene: &Scene) -> Vec<Tried> {
    let durable = |words: &[u8]| {
        vec![cmd("HSET").arg(scene.key("durable")).arg(scene.field()).arg(words).clone()]
    };
    let kept = About::Kept(&scene.run, &scene.victim, scene.old_record().epoch);
    let own_kept = scene.own.say(&kept, b"18446744073709551615");
    vec![
        ("says that all of another's is kept, unsigned", durable(b"18446744073709551615"), false),
        ("says so, signed by itself", durable(&own_kept), false),
        (
            "removes another's beat",
            { vec![cmd("HDEL").arg(WORKERS).arg(scene.victim.as_str()).clone()] },
            false,
        ),
        ("removes another's snapshots", vec![cmd("DEL").arg(scene.key("newest")).clone()], false),
        ("removes the queues", vec![cmd("DEL").arg(TASKS).arg(RESULTS).clone()], false),
        ("ends the scripts", vec![cmd("SCRIPT").arg("FLUSH").clone()], false),
        ("wipes Redis", vec![cmd("FLUSHALL").clone()], false),
        (
            "raises the term",
            { vec![cmd("SET").arg("loadcore:term").arg("99999999999999999999").clone()] },
            true,
        ),
        (
            "takes the lead",
            {
                vec![
                    cmd("HSET")
                        .arg("loadcore:leader")
                        .arg(&["controller", "me", "term", "9"])
                        .clone(),
                ]
            },
            true,
        ),
        (
            "changes Redis's settings",
            { vec![cmd("CONFIG").arg(&["SET", "maxmemory", "1mb"]).clone()] },
            true,
        ),
        ("stops Redis", vec![cmd("SHUTDOWN").arg("NOSAVE").clone()], true),
        ("reads all keys", vec![cmd("KEYS").arg("*").clone()], false),
    ]
}
