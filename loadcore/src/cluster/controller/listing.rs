//! Turns what somebody looks for into a page of their runs.
//!
//! Stores know the scenario of a run and nothing else that is looked for, so runs are read and looked at
//! here, a bounded number for one page.

use super::Controller;
use super::api::ControllerError;
use super::capacity::is_search;
use crate::cluster::secrets::Secrets;
use crate::cluster::store::{Page, RunRecord, RunState};
use crate::cluster::{Owner, RunId, ScenarioId};
use crate::result::Verdict;
use serde_json::{Value, json};

/// Runs that are looked at for one page, where not each is shown.
const MOST_LOOKED_AT: usize = 1_000;
/// Runs that are read at once meanwhile.
const AT_ONCE: usize = 100;

/// Which runs are looked for: those that have all of it.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Of this scenario.
    pub scenario: Option<ScenarioId>,
    /// In one of these states; empty: in any.
    pub states: Vec<RunState>,
    /// With this tag.
    pub tag: Option<String>,
    /// With this verdict; runs that go on have none.
    pub verdict: Option<Verdict>,
    /// With this text in the scenario's name or its target's URL, in capitals or not.
    pub text: Option<String>,
    /// That search for a capacity.
    pub searches: bool,
}

/// A page of runs, newest first.
#[derive(Debug, Clone)]
pub struct RunPage {
    /// Those of it, as they are now; perhaps fewer than were asked for.
    pub runs: Vec<RunRecord>,
    /// The last one that was looked at, where there are more to be looked at: the place after which the next page
    /// begins.
    pub next: Option<RunId>,
}

impl Controller {
    /// A page of an owner's runs. At most 1,000 are looked at for it, so that it may be short, or empty, although
    /// there are more.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn runs(
        &self,
        owner: &Owner,
        filter: &RunFilter,
        page: &Page,
    ) -> Result<RunPage, ControllerError> {
        let (mut runs, mut next) = (Vec::new(), page.after.clone().map(RunId::from));
        let looks = Looks::of(filter);
        let at_once = if looks.takes_all() { page.most.saturating_add(1) } else { AT_ONCE };
        for _ in 0..MOST_LOOKED_AT.div_ceil(at_once) {
            let part = Page { after: next.as_ref().map(RunId::to_string), most: at_once };
            let read = self.store().runs(owner, filter.scenario.as_ref(), &part).await?;
            let was_last = read.len() < at_once;
            for stored in read {
                if runs.len() == page.most {
                    return Ok(RunPage { runs, next });
                }
                next = Some(stored.id.clone());
                let known = self.live_record(owner, &stored.id).unwrap_or(stored);
                if looks.takes(&known) {
                    runs.push(known);
                }
            }
            if was_last {
                return Ok(RunPage { runs, next: None });
            }
        }
        Ok(RunPage { runs, next })
    }
}

/// A filter that is ready to be held against many runs.
struct Looks<'a> {
    filter: &'a RunFilter,
    text: Option<String>,
}

impl<'a> Looks<'a> {
    fn of(filter: &'a RunFilter) -> Self {
        Self { filter, text: filter.text.as_ref().map(|text| text.to_lowercase()) }
    }

    fn takes_all(&self) -> bool {
        let RunFilter { scenario: _, states, tag, verdict, text, searches } = self.filter;
        states.is_empty() && tag.is_none() && verdict.is_none() && text.is_none() && !searches
    }

    fn takes(&self, run: &RunRecord) -> bool {
        let RunFilter { scenario: _, states, tag, verdict, text: _, searches } = self.filter;
        let of_run = || run.summary.as_ref().and_then(|summary| summary.verdict);
        (states.is_empty() || states.contains(&run.state))
            && verdict.is_none_or(|wanted| of_run() == Some(wanted))
            && tag.as_ref().is_none_or(|tag| has_tag(&run.scenario, tag))
            && (!searches || is_search(run))
            && self.text.as_ref().is_none_or(|text| names(&run.scenario, text))
    }
}

fn has_tag(scenario: &Value, tag: &str) -> bool {
    scenario["tags"].as_array().is_some_and(|tags| tags.iter().any(|it| it == tag))
}

/// Whether the name or the target has this text, which is in small letters. What stands before the `@` of a URL is
/// nobody's to find.
fn names(scenario: &Value, text: &str) -> bool {
    let shown = Secrets::redact(&json!({"targetUrl": scenario["targetUrl"]}));
    [&scenario["name"], &shown["targetUrl"]]
        .into_iter()
        .filter_map(Value::as_str)
        .any(|it| it.to_lowercase().contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Store;
    use crate::cluster::controller::ControllerOptions;
    use crate::cluster::memory::{MemoryCoordinator, MemoryStore};
    use std::sync::Arc;

    /// A controller beside so many runs that have ended, in the order of their numbers.
    async fn beside(count: usize, change: impl Fn(usize, &mut Value)) -> Controller {
        let store = Arc::new(MemoryStore::new());
        for n in 0..count {
            let mut run = json!({
                "id": id(n), "owner": "ann", "scenarioId": "s", "revision": 0, "createdUnixMs": 0,
                "endedUnixMs": 1, "state": "COMPLETED", "journal": [], "warnings": [], "timeline": [],
                "scenario": {"name": "Shop", "targetUrl": "http://ann:geheim@Shop.test/Buy", "tags": ["nightly"]},
            });
            change(n, &mut run);
            store.insert_run(&serde_json::from_value(run).unwrap()).await.unwrap();
        }
        let coordinator = Arc::new(MemoryCoordinator::new());
        Controller::start(store, coordinator, ControllerOptions::default()).await.unwrap()
    }

    fn id(n: usize) -> String {
        format!("{n:05}")
    }

    /// The ids of each page, until there is no further one.
    async fn pages(controller: &Controller, filter: &RunFilter, most: usize) -> Vec<Vec<String>> {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = Page { after, most };
            let RunPage { runs, next } =
                controller.runs(&"ann".into(), filter, &page).await.unwrap();
            pages.push(runs.iter().map(|run| run.id.to_string()).collect());
            after = next.map(|next| next.to_string());
            if after.is_none() {
                return pages;
            }
        }
    }

    #[tokio::test]
    async fn every_run_that_is_looked_for_is_on_one_page() {
        let failed = |n: usize| n % 7 == 3 || n > 2_300;
        let controller = beside(2_500, |n, run| {
            if failed(n) {
                run["state"] = "FAILED".into();
            }
        })
        .await;
        let filter = RunFilter { states: vec![RunState::Failed], ..RunFilter::default() };
        let wanted: Vec<_> = (0..2_500).rev().filter(|n| failed(*n)).map(id).collect();
        for most in [1, 10, 99, 100, 101, 200] {
            let pages = pages(&controller, &filter, most).await;
            assert!(pages.iter().all(|page| page.len() <= most));
            assert_eq!(pages.concat(), wanted, "{most} on a page");
        }
        let all = pages(&controller, &RunFilter::default(), 200).await;
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [&[200; 12][..], &[100]].concat());
        controller.shut_down().await;
    }

    #[tokio::test]
    async fn what_is_looked_at_for_a_page_is_bounded() {
        let controller = beside(1_050, |n, run| {
            if n == 0 {
                run["scenario"]["name"] = "The one".into();
            }
        })
        .await;
        let filter = RunFilter { text: Some("the ONE".into()), ..RunFilter::default() };
        assert_eq!(pages(&controller, &filter, 50).await, [vec![], vec![id(0)]]);
        controller.shut_down().await;
    }

    #[tokio::test]
    async fn runs_have_all_that_is_looked_for() {
        let summary = json!({
            "verdict": "INVALID", "complete": true, "loop": "open", "durationSeconds": 1.0, "totalRequests": 1,
            "offeredRps": 1.0, "achievedRps": 1.0, "successRate": 1.0, "p50Ms": 1.0, "p99Ms": 1.0,
            "slaPassed": null, "slaViolated": 0, "findings": 0, "finding": null,
            "sparkline": {"seconds": 1.0, "rps": [], "p99Ms": []},
        });
        let controller = beside(4, |n, run| match n {
            0 => run["summary"] = summary.clone(),
            1 => run["scenario"]["tags"] = json!(["nightly", "shop"]),
            2 => run["timeline"] = json!([{"atUnixMs": 0, "atSeconds": null, "kind": "capacity_search", "text": "", "data": null}]),
            _ => run["scenarioId"] = "other".into(),
        })
        .await;
        let some = RunFilter::default;
        let text = |text: &str| RunFilter { text: Some(text.into()), ..some() };
        for (filter, wanted) in [
            (some(), &[3, 2, 1, 0][..]),
            (RunFilter { verdict: Some(Verdict::Invalid), ..some() }, &[0]),
            (RunFilter { verdict: Some(Verdict::Valid), ..some() }, &[]),
            (RunFilter { tag: Some("shop".into()), ..some() }, &[1]),
            (RunFilter { tag: Some("sho".into()), ..some() }, &[]),
            (RunFilter { searches: true, ..some() }, &[2]),
            (RunFilter { scenario: Some("other".into()), ..some() }, &[3]),
            (RunFilter { scenario: Some("other".into()), tag: Some("shop".into()), ..some() }, &[]),
            (
                RunFilter { states: vec![RunState::Failed, RunState::Completed], ..some() },
                &[3, 2, 1, 0],
            ),
            (RunFilter { states: vec![RunState::Failed], ..some() }, &[]),
            (text("SHOP.TEST/b"), &[3, 2, 1, 0]),
            (text(""), &[3, 2, 1, 0]),
            (text("geheim"), &[]),
            (text("nightly"), &[]),
        ] {
            let wanted: Vec<_> = wanted.iter().map(|n| id(*n)).collect();
            assert_eq!(pages(&controller, &filter, 10).await, [wanted], "{filter:?}");
        }
        controller.shut_down().await;
    }
}
