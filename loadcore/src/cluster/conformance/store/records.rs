//! Checks scenarios, runs, lists and terms.

use super::Subject;
use super::fixtures::{ann, anna, done, ended, put_run, refused, run, scenario};
use crate::cluster::store::{Kind, Page, RunRecord, ScenarioRecord, TimelineEvent};
use crate::cluster::{Owner, RunId, ScenarioId};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Everything on one page.
const ALL: Page = Page { after: None, most: 1_000 };

pub(super) async fn records_come_back_exactly(subject: &dyn Subject) {
    let store = subject.open().await;
    // Nothing in an id, an owner or a tag means anything to a store.
    for (owner, id) in [("ann", "s-1"), ("", "$where"), ("a.b/c\u{0}d", "é\"'\\{}")] {
        let owner = Owner::from(owner);
        let mut kept = scenario(&owner, id);
        kept.tags = vec!["$in".into(), String::new(), "größe".into(), "$in".into()];
        kept.baseline = Some("r-0".into());
        kept.created_unix_ms = u64::MAX;
        done(store.insert_scenario(&kept).await);
        let found = done(store.scenario(&owner, &kept.id).await);
        assert_eq!(found.as_ref(), Some(&kept), "1. a scenario comes back as it was kept");
        for tag in &kept.tags {
            let listed = done(store.scenarios(&owner, Some(tag), &ALL).await);
            assert_eq!(listed, [kept.clone()], "6. a scenario is listed once under {tag:?}");
        }

        let kept = RunRecord { scenario_id: id.into(), ..run(&owner, id) };
        put_run(&*store, &kept).await;
        let found = done(store.run(&owner, &kept.id).await);
        assert_eq!(found.as_ref(), Some(&kept), "1. a run comes back as it was kept");
        let listed = done(store.runs(&owner, Some(&kept.scenario_id), &ALL).await);
        assert_eq!(listed, [kept], "6. a run is listed under its scenario {id:?}");
    }
    let found = done(store.run(&ann(), &"none".into()).await);
    assert_eq!(found, None, "1. nothing is there that was not kept");
}

pub(super) async fn changes_outlast_a_kill(subject: &dyn Subject) {
    let store = subject.open().await;
    let (first, second) = (scenario(&ann(), "s-1"), scenario(&ann(), "s-2"));
    done(store.insert_scenario(&first).await);
    done(store.insert_scenario(&second).await);
    assert!(done(store.delete_scenario(&ann(), &first.id, None).await), "it was there");
    let kept = run(&ann(), "r-1");
    put_run(&*store, &kept).await;
    let changed = RunRecord { warnings: vec!["changed".into()], ..kept };
    assert!(done(store.replace_run(&changed).await), "3. the revision is the one given");
    drop(store);
    subject.kill().await;

    let store = subject.open().await;
    let gone = done(store.scenario(&ann(), &first.id).await);
    assert_eq!(gone, None, "1. what was deleted is not there after a kill");
    let listed = done(store.scenarios(&ann(), None, &ALL).await);
    assert_eq!(listed, [second], "1. a list is after a kill what it was before");
    let found = done(store.run(&ann(), &changed.id).await);
    let expected = RunRecord { revision: 1, ..changed };
    assert_eq!(found, Some(expected), "1. a changed run is there after a kill");
}

pub(super) async fn owners_do_not_see_each_others_records(subject: &dyn Subject) {
    let store = subject.open().await;
    let (plan, kept) = (scenario(&ann(), "s"), run(&ann(), "r"));
    done(store.insert_scenario(&plan).await);
    put_run(&*store, &kept).await;
    for other in [anna(), Owner::from("an"), Owner::from("")] {
        let seen = done(store.scenario(&other, &plan.id).await);
        assert_eq!(seen, None, "2. another's scenario is not seen");
        assert_eq!(done(store.run(&other, &kept.id).await), None, "2. another's run is not seen");
        let tagged = done(store.scenarios(&other, Some("api"), &ALL).await);
        let listed = done(store.scenarios(&other, None, &ALL).await);
        assert_eq!((tagged, listed), (vec![], vec![]), "2. lists hold one's own scenarios");
        let of_it = done(store.runs(&other, Some(&kept.scenario_id), &ALL).await);
        let listed = done(store.runs(&other, None, &ALL).await);
        assert_eq!((of_it, listed), (vec![], vec![]), "2. lists hold one's own runs");

        let claimed = ScenarioRecord { owner: other.clone(), ..plan.clone() };
        assert!(!done(store.replace_scenario(&claimed).await), "2. another's stays as it is");
        let claimed = RunRecord { owner: other.clone(), ..kept.clone() };
        assert!(!done(store.replace_run(&claimed).await), "2. another's run stays as it is");
        assert!(
            !done(store.delete_scenario(&other, &plan.id, None).await),
            "2. another's is not there"
        );
        assert!(!done(store.delete_run(&other, &kept.id).await), "2. another's run is not there");
    }
    let found = done(store.scenario(&ann(), &plan.id).await);
    assert_eq!(found, Some(plan), "2. nobody else changed it");
    assert_eq!(done(store.run(&ann(), &kept.id).await), Some(kept), "2. nobody else changed it");
}

pub(super) async fn an_id_is_given_once(subject: &dyn Subject) {
    let store = subject.open().await;
    let (plan, kept) = (scenario(&ann(), "s"), run(&ann(), "r"));
    done(store.insert_scenario(&plan).await);
    put_run(&*store, &kept).await;
    let again = ScenarioRecord { tags: vec!["again".into()], ..plan.clone() };
    let kind = refused(store.insert_scenario(&again).await);
    assert_eq!(kind, Kind::Exists, "3. a scenario with a kept one's id is refused");
    let again = RunRecord { warnings: vec!["again".into()], ..kept.clone() };
    let kind = refused(store.insert_run(&again).await);
    assert_eq!(kind, Kind::Exists, "3. a run with a kept one's id is refused");
    // Another owner may be refused or not, but reaches nothing.
    let _ = store.insert_scenario(&scenario(&anna(), "s")).await;
    let _ = store.insert_run(&ended(&anna(), "r", 1)).await;
    let found = done(store.scenario(&ann(), &plan.id).await);
    assert_eq!(found, Some(plan), "3. a refused scenario changes nothing");
    assert_eq!(done(store.run(&ann(), &kept.id).await), Some(kept), "3. a refused run neither");
    let tagged = done(store.scenarios(&ann(), Some("again"), &ALL).await);
    assert_eq!(tagged, [], "3. a refused scenario stands in no list");
}

pub(super) async fn a_replacement_needs_the_revision_that_is_there(subject: &dyn Subject) {
    let store = subject.open().await;
    let (mut plan, mut kept) = (scenario(&ann(), "s"), run(&ann(), "r"));
    assert!(!done(store.replace_scenario(&plan).await), "3. what is not there is not replaced");
    assert!(!done(store.replace_run(&kept).await), "3. a run that is not there neither");
    assert_eq!(done(store.run(&ann(), &kept.id).await), None, "3. and is not made");
    done(store.insert_scenario(&plan).await);
    put_run(&*store, &kept).await;
    for revision in 0..3 {
        plan.revision = revision;
        plan.changed_unix_ms += 1;
        kept.revision = revision;
        kept.warnings.push(format!("{revision}"));
        assert!(done(store.replace_scenario(&plan).await), "3. revision {revision} is the stored");
        assert!(done(store.replace_run(&kept).await), "3. revision {revision} is the run's");
        let expected = ScenarioRecord { revision: revision + 1, ..plan.clone() };
        let found = done(store.scenario(&ann(), &plan.id).await);
        assert_eq!(found, Some(expected.clone()), "3. replaced, and counted up by one");
        for wrong in [revision, revision + 2, u64::MAX] {
            let late = ScenarioRecord { revision: wrong, tags: vec![], ..plan.clone() };
            assert!(!done(store.replace_scenario(&late).await), "3. {wrong} is not the stored");
            let late = RunRecord { revision: wrong, journal: vec![], ..kept.clone() };
            assert!(!done(store.replace_run(&late).await), "3. {wrong} is not the run's");
        }
        let found = done(store.scenario(&ann(), &plan.id).await);
        assert_eq!(found, Some(expected), "3. a refused change changes nothing");
        let found = done(store.run(&ann(), &kept.id).await);
        let expected = RunRecord { revision: revision + 1, ..kept.clone() };
        assert_eq!(found, Some(expected), "3. nor in the run");
    }
}

pub(super) async fn of_many_with_one_revision_one_succeeds(subject: &dyn Subject) {
    let store = subject.open().await;
    put_run(&*store, &run(&ann(), "r")).await;
    for revision in 0..5 {
        let mut callers = JoinSet::new();
        for caller in 0..12 {
            let store = Arc::clone(&store);
            let warnings = vec![format!("by {caller}")];
            let mine = RunRecord { revision, warnings, ..run(&ann(), "r") };
            callers.spawn(async move { (done(store.replace_run(&mine).await), mine.warnings) });
        }
        let won: Vec<_> = callers.join_all().await.into_iter().filter(|(won, _)| *won).collect();
        assert_eq!(won.len(), 1, "3. of twelve callers with revision {revision} one succeeds");
        let found = done(store.run(&ann(), &"r".into()).await).expect("the run is there");
        assert_eq!(found.revision, revision + 1, "3. it is counted up once");
        assert_eq!(found.warnings, won[0].1, "3. what is there is of the one that succeeded");
    }
}

pub(super) async fn lists_are_newest_first_in_pages(subject: &dyn Subject) {
    let store = subject.open().await;
    assert_eq!(done(store.runs(&ann(), None, &ALL).await), [], "6. an empty list is empty");
    // Neither in order nor equally long.
    let ids = ["b", "a", "c1", "c", "b2", "B", "ä", "c10"];
    for id in ids {
        put_run(&*store, &run(&ann(), id)).await;
        put_run(&*store, &run(&anna(), &format!("{id}-anna"))).await;
        done(store.insert_scenario(&scenario(&ann(), id)).await);
    }
    let mut expected = ids.map(str::to_owned).to_vec();
    expected.sort();
    expected.reverse();
    for most in [1, 3, 8, 100] {
        let mut seen = Vec::new();
        let mut page = Page { after: None, most };
        loop {
            let runs = done(store.runs(&ann(), None, &page).await);
            let plans = done(store.scenarios(&ann(), None, &page).await);
            assert!(runs.len() <= most, "6. a page of at most {most} has {}", runs.len());
            let of_runs: Vec<_> = runs.iter().map(|one| one.id.0.clone()).collect();
            let of_plans: Vec<_> = plans.iter().map(|one| one.id.0.clone()).collect();
            assert_eq!(of_runs, of_plans, "6. both lists have one order");
            let Some(last) = of_runs.last() else { break };
            page.after = Some(last.clone());
            seen.extend(of_runs);
            assert!(seen.len() <= ids.len(), "6. nothing is shown twice: {seen:?}");
        }
        assert_eq!(seen, expected, "6. pages of {most} are together the list, newest first");
    }
    let none = Page { after: None, most: 0 };
    assert_eq!(done(store.runs(&ann(), None, &none).await), [], "6. at most none is none");
}

pub(super) async fn lists_follow_tags_scenarios_and_deletions(subject: &dyn Subject) {
    let store = subject.open().await;
    let tagged = async |tag: &str| -> Vec<String> {
        let list = done(store.scenarios(&ann(), Some(tag), &ALL).await);
        list.into_iter().map(|one| one.id.0).collect()
    };
    for (id, tags) in [("1", vec!["x"]), ("2", vec!["x", "y"]), ("3", vec!["xy"])] {
        let tags = tags.into_iter().map(str::to_owned).collect();
        done(store.insert_scenario(&ScenarioRecord { tags, ..scenario(&ann(), id) }).await);
    }
    assert_eq!(tagged("x").await, ["2", "1"], "6. with a tag those that have it");
    assert_eq!(tagged("y").await, ["2"], "6. with a tag those that have it");
    let second = scenario(&ann(), "2");
    let changed = ScenarioRecord { tags: vec!["z".into()], ..second.clone() };
    assert!(done(store.replace_scenario(&changed).await), "3. the revision is the one given");
    assert_eq!(tagged("x").await, ["1"], "6. a tag that was taken off lists it no more");
    assert_eq!(tagged("z").await, ["2"], "6. a tag that was put on lists it");
    assert!(done(store.delete_scenario(&ann(), &second.id, None).await), "it was there");
    assert_eq!(tagged("z").await, [""; 0], "6. what was deleted is in no list");

    for (id, of) in [("1", "shop"), ("2", "shop-2"), ("3", "shop")] {
        let scenario_id = of.into();
        put_run(&*store, &RunRecord { scenario_id, ..run(&ann(), id) }).await;
    }
    let runs_of = async |scenario: &str| -> Vec<String> {
        let scenario = ScenarioId::from(scenario);
        let list = done(store.runs(&ann(), Some(&scenario), &ALL).await);
        list.into_iter().map(|one| one.id.0).collect()
    };
    assert_eq!(runs_of("shop").await, ["3", "1"], "6. with a scenario its runs");
    let second = Page { after: Some("3".into()), most: 5 };
    let list = done(store.runs(&ann(), Some(&"shop".into()), &second).await);
    assert_eq!(list.len(), 1, "6. a scenario's runs come in pages too");
    assert!(done(store.delete_run(&ann(), &"3".into()).await), "it was there");
    assert_eq!(runs_of("shop").await, ["1"], "6. a deleted run is in no list");
}

pub(super) async fn pages_are_whole_while_others_write(subject: &dyn Subject) {
    let store = subject.open().await;
    let stays = |n: u32| format!("{n:03}-stays");
    for n in 0..20 {
        put_run(&*store, &run(&ann(), &stays(n))).await;
    }
    let other = Arc::clone(&store);
    let writer = tokio::spawn(async move {
        for n in 0..20 {
            let id = format!("{n:03}-comes");
            put_run(&*other, &run(&ann(), &id)).await;
            assert!(done(other.delete_run(&ann(), &RunId(id)).await), "it was there");
            let changed = RunRecord { warnings: vec![], ..run(&ann(), &stays(n)) };
            assert!(done(other.replace_run(&changed).await), "3. the revision is the one given");
        }
    });
    let mut rounds = 0;
    while rounds < 3 || !writer.is_finished() {
        rounds += 1;
        let mut seen: Vec<String> = Vec::new();
        let mut page = Page { after: None, most: 3 };
        loop {
            let runs = done(store.runs(&ann(), None, &page).await);
            let Some(last) = runs.last() else { break };
            page.after = Some(last.id.0.clone());
            seen.extend(runs.into_iter().map(|one| one.id.0));
            assert!(seen.len() <= 40, "6. nothing is shown twice: {seen:?}");
        }
        let once: BTreeSet<&String> = seen.iter().collect();
        assert_eq!(once.len(), seen.len(), "6. nothing is shown twice: {seen:?}");
        let missing: Vec<_> = (0..20).map(stays).filter(|id| !once.contains(id)).collect();
        assert!(missing.is_empty(), "6. nothing is left out: {missing:?} of {seen:?}");
    }
    writer.await.expect("the writer was answered");
}

pub(super) async fn open_runs_are_those_of_all_owners(subject: &dyn Subject) {
    let store = subject.open().await;
    put_run(&*store, &run(&ann(), "1")).await;
    put_run(&*store, &run(&anna(), "2")).await;
    put_run(&*store, &ended(&ann(), "3", 5)).await;
    let open = async || -> Vec<String> {
        done(store.open_runs().await).into_iter().map(|one| one.id.0).collect()
    };
    assert_eq!(open().await, ["2", "1"], "6. the runs of all owners that have not ended");
    let now_ended = RunRecord { revision: 0, ..ended(&ann(), "1", 6) };
    assert!(done(store.replace_run(&now_ended).await), "3. the revision is the one given");
    assert_eq!(open().await, ["2"], "6. a run that has ended is not open");
    assert!(done(store.delete_run(&anna(), &"2".into()).await), "it was there");
    assert_eq!(open().await, [""; 0], "6. a deleted run is not open");
    let owes = owing(ended(&ann(), "4", 7));
    put_run(&*store, &owes).await;
    assert_eq!(open().await, ["4"], "6. nor has a run come to its end that owes alerts");
    let told = RunRecord { told: vec![1], ..owes };
    assert!(done(store.replace_run(&told).await), "3. the revision is the one given");
    assert_eq!(open().await, [""; 0], "6. once all are told it has");
}

pub(super) async fn owners_are_those_who_have_something(subject: &dyn Subject) {
    let store = subject.open().await;
    let owners = async || -> Vec<String> {
        done(store.owners().await).iter().map(|owner| owner.as_str().to_owned()).collect()
    };
    assert_eq!(owners().await, [""; 0], "12. nobody has anything");
    put_run(&*store, &run(&anna(), "1")).await;
    put_run(&*store, &run(&anna(), "2")).await;
    assert_eq!(owners().await, [anna().as_str()], "12. who has a run is one, once");
    done(store.insert_scenario(&scenario(&ann(), "3")).await);
    let mut all = owners().await;
    all.sort();
    assert_eq!(all, [ann().as_str(), anna().as_str()], "12. so is who has a scenario");
    assert!(done(store.delete_run(&anna(), &"1".into()).await), "it was there");
    assert!(done(store.delete_run(&anna(), &"2".into()).await), "it was there");
    assert_eq!(owners().await, [ann().as_str()], "12. who has nothing any more is none");
}

/// The run with a webhook that was told nothing of what happened.
fn owing(run: RunRecord) -> RunRecord {
    let event = TimelineEvent { kind: "sla_violated".into(), ..run.timeline[0].clone() };
    let scenario = json!({"alerts": [{"type": "webhook", "url": "http://a/"}]});
    RunRecord { timeline: vec![event], scenario, told: vec![], ..run }
}

pub(super) async fn deleting_a_scenario_leaves_its_runs(subject: &dyn Subject) {
    let store = subject.open().await;
    done(store.insert_scenario(&scenario(&ann(), "shop")).await);
    let kept = run(&ann(), "r");
    put_run(&*store, &kept).await;
    let id = ScenarioId::from("shop");
    assert!(done(store.delete_scenario(&ann(), &id, None).await), "7. it was there");
    assert!(!done(store.delete_scenario(&ann(), &id, None).await), "7. it is not there any more");
    let listed = done(store.runs(&ann(), Some(&id), &ALL).await);
    assert_eq!(listed, [kept], "7. the runs of a deleted scenario stay");
    done(store.insert_scenario(&scenario(&ann(), "shop")).await);
}

pub(super) async fn a_deletion_may_need_the_revision_that_is_there(subject: &dyn Subject) {
    let store = subject.open().await;
    let plan = scenario(&ann(), "s");
    done(store.insert_scenario(&plan).await);
    assert!(done(store.replace_scenario(&plan).await), "3. the revision is the one given");
    for wrong in [0, 2, u64::MAX] {
        let deleted = done(store.delete_scenario(&ann(), &plan.id, Some(wrong)).await);
        assert!(!deleted, "3. {wrong} is not the stored");
        let found = done(store.scenario(&ann(), &plan.id).await);
        assert_eq!(found.map(|it| it.revision), Some(1), "3. a refused deletion deletes nothing");
    }
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (store, id) = (Arc::clone(&store), plan.id.clone());
        callers.spawn(async move { done(store.delete_scenario(&ann(), &id, Some(1)).await) });
    }
    let deleted = callers.join_all().await.into_iter().filter(|deleted| *deleted).count();
    assert_eq!(deleted, 1, "3. of eight callers with one revision one deletes it");
    let listed = done(store.scenarios(&ann(), None, &ALL).await);
    assert_eq!(listed, [], "6. what was deleted is in no list");
}

pub(super) async fn terms_rise(subject: &dyn Subject) {
    let store = subject.open().await;
    let mut last = done(store.next_term().await);
    for _ in 0..5 {
        let term = done(store.next_term().await);
        assert!(term > last, "8. terms rise: {term} after {last}");
        last = term;
    }
    let mut callers = JoinSet::new();
    for _ in 0..12 {
        let store = Arc::clone(&store);
        callers.spawn(async move { done(store.next_term().await) });
    }
    let terms: BTreeSet<u64> = callers.join_all().await.into_iter().collect();
    assert_eq!(terms.len(), 12, "8. no two get one term: {terms:?}");
    assert!(*terms.first().expect("twelve") > last, "8. terms rise: {terms:?} after {last}");
    let last = *terms.last().expect("twelve");
    drop(store);
    subject.kill().await;
    let term = done(subject.open().await.next_term().await);
    assert!(term > last, "8. terms rise over a kill: {term} after {last}");
}
