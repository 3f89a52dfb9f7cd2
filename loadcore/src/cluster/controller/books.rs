//! Holds what was planned against what was reported, an interval at a time: arrivals fall due when
//! the plan says so, whichever worker reports them, and whenever.
//!
//! What fell due and was not reported waits (a report is late, and a later one will bring it), is
//! unknown (a worker was lost with it), or was given up as fenced (its part had no owner, so that
//! surely nobody has sent it). Which of these is known for certain only at the end; see [`settle`].

use super::by_name::ByName;
use super::merge::Published;
use crate::cluster::planned_load::PlannedLoad;
use crate::record::{Counters, Interval, Merge, Snapshot, WorkerInterval};
use crate::request::{DropReason, Mix};
use crate::result::Span;
use crate::time::SECOND;

/// What the books say of an interval beside what was reported. It is stored with it, so that another
/// controller goes on with these books and not with others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Booked {
    /// Arrivals that fell due in it while their part had no owner.
    pub(super) fenced: u64,
    /// Arrivals up to its end that are unknown.
    pub(super) unknown: u64,
}

impl Booked {
    /// What stands in a stored interval. That is no worker's, and where a worker's snapshot has its
    /// term and its time it has this. Earlier versions have stored 0.
    pub(super) fn read(interval: &Snapshot) -> Self {
        Self { fenced: interval.epoch, unknown: interval.elapsed_ns }
    }

    /// Puts it where [`Booked::read`] finds it.
    pub(super) fn write(self, interval: &mut Snapshot) {
        (interval.epoch, interval.elapsed_ns) = (self.fenced, self.unknown);
    }
}

/// What is known of those who have made load up to the end of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    /// All of them have reported it.
    Whole,
    /// One that lives has not yet.
    Late,
    /// One was lost, and has not.
    Lost,
}

/// The books of a run that goes on.
#[derive(Debug, Clone, Default)]
pub(super) struct Books {
    /// Arrivals up to the last interval.
    due: u64,
    /// Those of them whose part had no owner.
    fenced: u64,
    by_name: ByName,
}

impl Books {
    /// For a run of this mix.
    pub(super) fn new(mix: Mix) -> Self {
        Self { by_name: ByName::new(mix), ..Self::default() }
    }

    /// Books an interval by whose end so many arrivals were planned (`None`: a closed loop has no
    /// plan). Answers the unknown of each request too.
    pub(super) fn book(
        &mut self,
        published: &mut Published,
        planned: Option<u64>,
        evidence: Evidence,
    ) -> (Booked, Vec<u64>) {
        self.enter(published, planned, |missing| match evidence {
            Evidence::Whole => Booked { fenced: missing, unknown: 0 },
            Evidence::Late => Booked::default(),
            Evidence::Lost => Booked { fenced: 0, unknown: missing },
        })
    }

    /// Books an interval again as another controller has booked it.
    pub(super) fn restore(
        &mut self,
        published: &mut Published,
        planned: Option<u64>,
        booked: Booked,
    ) -> (Booked, Vec<u64>) {
        self.enter(published, planned, |missing| {
            let fenced = booked.fenced.min(missing);
            Booked { fenced, unknown: booked.unknown.min(missing - fenced) }
        })
    }

    /// `what` says what became of those that are missing. The rest of them waits.
    fn enter(
        &mut self,
        published: &mut Published,
        planned: Option<u64>,
        what: impl FnOnce(u64) -> Booked,
    ) -> (Booked, Vec<u64>) {
        let Some(planned) = planned else { return <_>::default() };
        let Published { interval, total, .. } = published;
        let told = told(&total.total.counters, total.backlog);
        // A worker that had not heard of a change may have done more than was planned.
        let due = planned.max(told + self.fenced).max(self.due);
        let missing = due - told - self.fenced;
        let Booked { fenced, unknown } = what(missing);
        self.fenced += fenced;
        interval.counters.due = due - self.due;
        interval.counters.dropped[DropReason::Fenced as usize] += fenced;
        total.backlog += missing - fenced - unknown;
        total.total.counters.due = due - unknown;
        total.total.counters.dropped[DropReason::Fenced as usize] += self.fenced;
        self.due = due;
        let (interval, total) = (interval, &mut total.total);
        let unknown_of = self.by_name.enter(interval, total, due, (self.fenced, unknown));
        (Booked { fenced, unknown }, unknown_of)
    }
}

fn told(counters: &Counters, backlog: u64) -> u64 {
    counters.sent.saturating_add(counters.dropped_total()).saturating_add(backlog)
}

/// An interval of a run that has ended.
pub(super) struct Settled {
    pub(super) interval: Interval,
    pub(super) span: Span,
    /// Arrivals up to its end that are unknown.
    pub(super) unknown: u64,
    /// The same of each request of the mix.
    pub(super) unknown_of: Vec<u64>,
    /// What each worker did in it.
    pub(super) workers: Vec<WorkerInterval>,
    /// What endpoints of the target told meanwhile, packed.
    pub(super) observed: Vec<u8>,
}

/// What the first way through a run's intervals keeps of each.
struct Told {
    span: Span,
    sent: u64,
    dropped: u64,
    backlog: u64,
    /// Somebody has reported it: it is among those that are stored.
    is_stored: bool,
}

/// Puts the arrivals of a run that nobody has reported, `missing` in all, into the intervals in which
/// they fell due: into those that are stored, and such as nobody was there for, up to `load_end`.
/// They are unknown, or else fenced.
///
/// What is missing at the end of an interval and not at that of a later one was only late. So what
/// never came by an interval's end is the least that is missing at its end or any later one's.
///
/// An interval is large and a run has thousands, so they are gone through twice, one at a time.
///
/// # Errors
/// When one of them cannot be read.
pub(super) fn settle<I>(
    intervals: I,
    (load, mix): (&mut PlannedLoad, Mix),
    (missing, are_unknown): (u64, bool),
    load_end: u64,
) -> Result<impl Iterator<Item = Result<Settled, String>> + use<I>, String>
where
    I: Iterator<Item = Result<(Snapshot, Span), String>> + Clone,
{
    let from = load.measured_from();
    let mut told_of =
        intervals.clone().map(|it| Ok(Told::of(&it?))).collect::<Result<Vec<_>, String>>()?;
    if missing > 0 && load.due_by(0).is_some() {
        fill(&mut told_of, load_end.saturating_sub(from));
    }
    let mut reported = Counters::default();
    let mut planned = Vec::new();
    for Told { span, sent, dropped, backlog, .. } in &told_of {
        reported.sent += sent;
        reported.dropped[0] += dropped;
        planned.push(load.due_by(from + span.to_ns).map(|due| (due, told(&reported, *backlog))));
    }
    let mut never = vec![0; planned.len()];
    let mut least = missing;
    for (never, planned) in never.iter_mut().zip(&planned).rev() {
        least = planned.map_or(0, |(due, told)| least.min(due.saturating_sub(told)));
        *never = least;
    }
    let mut stored = intervals;
    let (mut before, mut due_before) = (0, 0);
    let (mut by_name, mut so_far) = (ByName::new(mix), Interval::default());
    let settled = told_of.into_iter().zip(planned).zip(never);
    Ok(settled.map(move |((told, planned), never)| {
        let of_nobody = || Ok((Snapshot::default(), told.span));
        let read = if told.is_stored { stored.next() } else { None };
        let (snapshot, span) = read.unwrap_or_else(of_nobody)?;
        let Snapshot { total: mut interval, workers, observed, .. } = snapshot;
        if missing > 0 {
            so_far.merge(&Interval { named: interval.named.clone(), ..Interval::default() });
        }
        if let Some((due, told)) = planned {
            let due = due.max(told + never).max(due_before);
            interval.counters.due = due - due_before;
            due_before = due;
        }
        let new = never - before;
        before = never;
        if !are_unknown {
            interval.counters.dropped[DropReason::Fenced as usize] += new;
        }
        let unknown = if are_unknown { never } else { 0 };
        let mut unknown_of = Vec::new();
        // What every worker has told of each request is right as it is.
        if planned.is_some() && missing > 0 {
            let mut upto = Interval { named: so_far.named.clone(), ..Interval::default() };
            let both = (never - unknown, unknown);
            unknown_of = by_name.enter(&mut interval, &mut upto, due_before, both);
        }
        Ok(Settled { interval, span, unknown, unknown_of, workers, observed })
    }))
}

impl Told {
    fn of((snapshot, span): &(Snapshot, Span)) -> Self {
        let counters = &snapshot.total.counters;
        let (sent, dropped) = (counters.sent, counters.dropped_total());
        Self { span: *span, sent, dropped, backlog: snapshot.backlog, is_stored: true }
    }
}

/// Adds the seconds to the end of the load of which nobody has reported anything.
fn fill(intervals: &mut Vec<Told>, load_end: u64) {
    let last = intervals.last().map(|told| told.span);
    let length = last.map_or(SECOND, |span| (span.to_ns - span.from_ns).div_ceil(SECOND) * SECOND);
    let mut from_ns = last.map_or(0, |span| span.to_ns);
    let backlog = intervals.last().map_or(0, |told| told.backlog);
    while from_ns < load_end && intervals.len() < super::live::KEPT {
        let to_ns = ((from_ns / SECOND) * SECOND + length.max(SECOND)).min(load_end);
        let span = Span { from_ns, to_ns, draining: false };
        intervals.push(Told { span, sent: 0, dropped: 0, backlog, is_stored: false });
        from_ns = to_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    const RATE: u64 = 90;

    fn load() -> PlannedLoad {
        let text = format!(
            r#"{{"name": "a", "targetUrl": "http://a.test/", "durationSeconds": 6,
            "loadProfile": {{"type": "CONSTANT", "initialRps": {RATE}}}}}"#
        );
        PlannedLoad::new(&Scenario::from_json(&text).unwrap())
    }

    /// An interval in which so many were sent and answered, and what waits at its end.
    fn interval(second: u64, sent: u64, backlog: u64) -> (Snapshot, Span) {
        let mut snapshot = Snapshot { backlog, ..Snapshot::default() };
        let counters = &mut snapshot.total.counters;
        (counters.due, counters.sent, counters.ok) = (sent, sent, sent);
        let span = Span { from_ns: second * SECOND, to_ns: (second + 1) * SECOND, draining: false };
        (snapshot, span)
    }

    fn settled(
        intervals: Vec<(Snapshot, Span)>,
        load: &mut PlannedLoad,
        missed: (u64, bool),
    ) -> Vec<Settled> {
        let read = intervals.into_iter().map(Ok);
        let settled = settle(read, (load, Mix::default()), missed, 6 * SECOND).unwrap();
        settled.collect::<Result<_, _>>().unwrap()
    }

    /// Due, dropped and unknown of each interval.
    fn rows(settled: &[Settled]) -> Vec<(u64, u64, u64)> {
        let row = |it: &Settled| {
            let counters = &it.interval.counters;
            (counters.due, counters.dropped_total(), it.unknown)
        };
        settled.iter().map(row).collect()
    }

    #[test]
    fn arrivals_that_were_nobodys_are_dropped_in_the_second_in_which_they_fell_due() {
        let of = [90, 90, 30, 0, 50, 90].into_iter().enumerate();
        let intervals: Vec<_> = of.map(|(second, sent)| interval(second as u64, sent, 0)).collect();
        let settled = settled(intervals, &mut load(), (190, false));
        let wanted = [(90, 0, 0), (90, 0, 0), (90, 60, 0), (90, 90, 0), (90, 40, 0), (90, 0, 0)];
        assert_eq!(rows(&settled), wanted);
    }

    #[test]
    fn what_a_worker_was_lost_with_is_unknown_from_then_on() {
        let of = [90, 60, 90, 90, 90, 90].into_iter().enumerate();
        let intervals: Vec<_> = of.map(|(second, sent)| interval(second as u64, sent, 0)).collect();
        let settled = settled(intervals, &mut load(), (30, true));
        let unknown: Vec<_> = rows(&settled).iter().map(|row| (row.0, row.2)).collect();
        assert_eq!(unknown, [(90, 0), (90, 30), (90, 30), (90, 30), (90, 30), (90, 30)]);
    }

    #[test]
    fn a_report_that_came_late_is_no_drop() {
        let of = [90, 30, 150, 90, 90, 90].into_iter().enumerate();
        let intervals: Vec<_> = of.map(|(second, sent)| interval(second as u64, sent, 0)).collect();
        let settled = settled(intervals, &mut load(), (0, false));
        assert!(rows(&settled).iter().all(|row| *row == (90, 0, 0)), "{:?}", rows(&settled));
    }

    #[test]
    fn seconds_of_which_nobody_reports_are_in_the_series_too() {
        let settled = settled(vec![interval(0, 90, 0)], &mut load(), (450, false));
        assert_eq!(settled.len(), 6);
        assert_eq!(rows(&settled)[1..], [(90, 90, 0); 5]);
        assert_eq!(settled[5].span.to_ns, 6 * SECOND);
    }

    #[test]
    fn while_the_run_goes_on_what_is_missing_waits_or_is_unknown_or_fenced() {
        let (mut books, mut others) = (Books::default(), Books::default());
        let mut total = Snapshot::default();
        let mut book = |second, sent, evidence| {
            let (snapshot, span) = interval(second, sent, 0);
            total.total.counters.sent += sent;
            total.total.counters.due += sent;
            let mut published = Published {
                number: second,
                end_ns: span.to_ns,
                interval: snapshot.total,
                total: total.clone(),
                workers: Vec::new(),
                worker_totals: Vec::new(),
            };
            let planned = Some((second + 1) * RATE);
            let mut again = published.clone();
            let (booked, _) = books.book(&mut published, planned, evidence);
            // Another controller reads the same of what is stored.
            let mut stored = Snapshot::default();
            booked.write(&mut stored);
            let stored = Snapshot::decode(&stored.encode()).unwrap();
            assert_eq!(others.restore(&mut again, planned, Booked::read(&stored)).0, booked);
            assert_eq!((&again.interval, &again.total), (&published.interval, &published.total));
            let unknown = booked.unknown;
            let (interval, all) = (published.interval.counters, published.total);
            let counters = &all.total.counters;
            let told = counters.sent + counters.dropped_total() + all.backlog;
            assert_eq!(counters.due, told, "promise 5, without what is unknown");
            assert_eq!(counters.due + unknown, (second + 1) * RATE);
            (interval.due, interval.dropped_total(), all.backlog, unknown)
        };
        assert_eq!(book(0, 90, Evidence::Whole), (90, 0, 0, 0));
        assert_eq!(book(1, 60, Evidence::Late), (90, 0, 30, 0));
        assert_eq!(book(2, 120, Evidence::Whole), (90, 0, 0, 0));
        assert_eq!(book(3, 10, Evidence::Lost), (90, 0, 0, 80));
        // Its last snapshot has come: nobody had sent them.
        assert_eq!(book(4, 90, Evidence::Whole), (90, 80, 0, 0));
    }

    #[test]
    fn a_closed_loop_has_no_plan_to_be_held_against() {
        let text = r#"{"name": "a", "targetUrl": "http://a.test/", "durationSeconds": 6}"#;
        let mut load = PlannedLoad::new(&Scenario::from_json(text).unwrap());
        let settled = settled(vec![interval(0, 7, 0)], &mut load, (5, true));
        assert_eq!(settled.len(), 1);
        assert_eq!(settled[0].interval.counters.due, 7);
    }
}
