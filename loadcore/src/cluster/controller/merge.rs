//! Merges workers' cumulative snapshots into the run's intervals, under a watermark.
//!
//! An interval is published when every worker that makes load has reported it, or when one is so
//! late that the others' figures should not wait for it. Late is who is behind the others: if all
//! are, it is the reader here that is, and what it has not read yet is not missing. After an outage
//! of the coordinator that is so for a while: workers have kept what they could not hand in, and
//! hand it in one after another. What comes later still is part of a later interval: the totals are
//! right in any case, since each snapshot holds everything before it.

use crate::cluster::coordinator::SnapshotRecord;
use crate::cluster::standing::Member;
use crate::record::{Interval, Snapshot, SnapshotReader, WorkerInterval, absorb_workers};
use crate::time::{MILLISECOND, Nanos, SECOND};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How long after its end an interval waits for workers that are late.
const GRACE: Nanos = 1_200 * MILLISECOND;
/// How long after its end it waits for them while nobody has reported the next interval either, and
/// how long after an outage.
const PATIENCE: Nanos = 10 * SECOND;
/// Snapshots kept of one worker until their intervals are published.
const MOST_WAITING: usize = 64;

/// The newest snapshots of each member, and how far they were merged.
#[derive(Debug, Default)]
pub(super) struct MemberMerge {
    members: BTreeMap<Member, Reported>,
    /// Everything up to the last published interval.
    total: Interval,
    published: u64,
    /// Others have published before us, and nobody in the time since.
    gap: bool,
    reader: SnapshotReader,
}

#[derive(Debug, Default)]
struct Reported {
    /// In the order of their numbers; the first is in `total` already, or is older than the rest.
    snapshots: VecDeque<Handed>,
    /// What is told of it up to the last published interval; `None`: nothing, or by another controller.
    told: Option<WorkerInterval>,
    seq: u64,
    is_final: bool,
    /// Requests, by the newest of them.
    sent: u64,
}

/// What a member has handed in.
#[derive(Debug)]
struct Handed {
    record: SnapshotRecord,
    /// What it comes to.
    so_far: WorkerInterval,
}

/// An interval of the whole run.
#[derive(Debug, Clone)]
pub(super) struct Published {
    /// The second it begins with.
    pub(super) number: u64,
    /// Its end: that of its second, or after a change of controllers of a later one.
    pub(super) end_ns: Nanos,
    pub(super) interval: Interval,
    /// Everything up to its end.
    pub(super) total: Snapshot,
    /// What each worker did in it, of those that have reported something of it, by their ids.
    pub(super) workers: Vec<WorkerInterval>,
    /// The same up to its end.
    pub(super) worker_totals: Vec<WorkerInterval>,
}

impl MemberMerge {
    /// Takes a snapshot in; says whether it is newer than what is known of its worker. One that is
    /// not still shows what happened when, as long as its time is not published.
    ///
    /// # Errors
    /// When it is damaged, of a newer version, or not what it says it is.
    pub(super) fn take(&mut self, snapshot: SnapshotRecord) -> Result<bool, String> {
        let newer = self.seq(&(snapshot.worker.clone(), snapshot.epoch)) < snapshot.seq;
        if !newer && snapshot.elapsed_ns <= self.published * SECOND {
            return Ok(false);
        }
        let read = self.reader.check(&snapshot.bytes).map_err(|error| error.to_string())?;
        let said = (snapshot.worker.as_str(), snapshot.epoch, snapshot.seq, snapshot.is_final);
        if said != (read.worker.as_str(), read.epoch, read.seq, read.is_final) {
            return Err(
                "it holds another worker's snapshot, or another number, than it says".into()
            );
        }
        let sent = read.total.counters.sent;
        let so_far = self.reader.of_worker();
        let member = (snapshot.worker.clone(), snapshot.epoch);
        let reported = self.members.entry(member).or_default();
        reported.sent = reported.sent.max(sent);
        reported.insert(Handed { record: snapshot, so_far });
        Ok(newer)
    }

    /// Members whose last snapshot has come.
    pub(super) fn is_final(&self, member: &Member) -> bool {
        self.members.get(member).is_some_and(|reported| reported.is_final)
    }

    /// The newest number of each member.
    pub(super) fn seq(&self, member: &Member) -> u64 {
        self.members.get(member).map_or(0, |reported| reported.seq)
    }

    /// How many requests the member has sent, as far as it has told.
    pub(super) fn sent(&self, member: &Member) -> u64 {
        self.members.get(member).map_or(0, |reported| reported.sent)
    }

    /// How far the member was, in the measured time, when it handed in last.
    pub(super) fn elapsed(&self, member: &Member) -> Nanos {
        let last = self.members.get(member).and_then(|reported| reported.snapshots.back());
        last.map_or(0, |handed| handed.record.elapsed_ns)
    }

    /// Whether what is published of the member goes up to `end`, to which it was published last: what
    /// it has done by then is in the totals.
    pub(super) fn has_told(&self, member: &Member, end: Nanos) -> bool {
        let first = self.members.get(member).and_then(|reported| reported.snapshots.front());
        first.map(|handed| &handed.record).is_some_and(|it| match it.elapsed_ns {
            elapsed if elapsed <= end => it.is_final || elapsed == end,
            // A worker that came later has nothing to tell of it.
            elapsed => elapsed.div_ceil(SECOND).saturating_sub(it.seq) * SECOND >= end,
        })
    }

    /// Goes on after `published` intervals that another controller has merged to `total`.
    pub(super) fn resume(&mut self, published: u64, total: Interval) {
        (self.published, self.total, self.gap) = (published, total, true);
    }

    /// Where the next interval ends. Of a time in which nobody listened there is only what came
    /// after it: that is one interval, for cut into seconds it would show a standstill and a rush
    /// that never were.
    fn next_end(&self) -> Nanos {
        let from = self.published * SECOND;
        let later = |reported: &Reported| {
            let mut later = reported.snapshots.iter().map(|it| it.record.elapsed_ns);
            later.find(|elapsed| *elapsed > from)
        };
        let gap = self.members.values().filter(|_| self.gap).filter_map(later).max();
        gap.map_or(0, |elapsed| elapsed.div_ceil(SECOND) * SECOND).max(from + SECOND)
    }

    /// The next interval, if it may be published at `now` (of the measured time): of the members
    /// that make load all have reported it, or some have and the others are late: somebody is an
    /// interval further already. `back` is when an outage ended, before which nobody was heard.
    pub(super) fn publish(
        &mut self,
        living: &BTreeSet<Member>,
        now: Nanos,
        back: Nanos,
    ) -> Option<Published> {
        let end = self.next_end();
        let begin = self.published * SECOND;
        let has = |reported: &&Reported| {
            reported.is_final
                || reported.snapshots.back().is_some_and(|it| it.record.elapsed_ns >= end)
        };
        let come = living.iter().filter_map(|member| self.members.get(member)).filter(has);
        let come: Vec<_> = come.collect();
        let whole = self.gap || !come.iter().any(|reported| reported.lacks_some_after(begin));
        let all = come.len() == living.len() && whole;
        let furthest = self.members.values().filter_map(|it| it.snapshots.back());
        let furthest = furthest.map(|it| it.record.elapsed_ns).max()?;
        // Something must lie in the interval: of the last one perhaps a part.
        let begun = furthest > self.published * SECOND;
        let further = furthest >= end + SECOND;
        let grace = if further && end > back { GRACE } else { PATIENCE };
        let late = now >= end.max(back).saturating_add(grace);
        if !begun || !(all || (!come.is_empty() && late)) {
            return None;
        }
        Some(self.close(end))
    }

    fn close(&mut self, end: Nanos) -> Published {
        let mut merged = Snapshot { worker: String::new(), ..Snapshot::default() };
        let (mut workers, mut worker_totals) = (Vec::new(), Vec::new());
        for reported in self.members.values_mut() {
            // The newest that lies in the published time stands for all before it.
            while reported.snapshots.get(1).is_some_and(|next| next.record.elapsed_ns <= end) {
                reported.snapshots.pop_front();
            }
            absorb_workers(&mut workers, reported.tell(end, self.gap).as_slice());
            absorb_workers(&mut worker_totals, reported.told.as_slice());
            let first = reported.snapshots.front().map(|handed| &handed.record);
            let Some(record) = first.filter(|it| it.elapsed_ns <= end) else { continue };
            // It was checked when it came in.
            let added = self.reader.add_to(&mut merged.total, &record.bytes);
            let Ok(snapshot) = added else { continue };
            merged.in_flight += snapshot.in_flight;
            merged.backlog += snapshot.backlog;
            merged.elapsed_ns = merged.elapsed_ns.max(snapshot.elapsed_ns);
        }
        let mut interval = merged.total.clone();
        if interval.subtract(&self.total).is_err() {
            // Less than before: a snapshot that was merged is not to be had any more.
            interval = Interval::default();
            let known = std::mem::take(&mut self.total);
            merged.total = known;
        }
        let number = self.published;
        (self.published, self.gap) = (end / SECOND, false);
        self.total = merged.total.clone();
        merged.seq = self.published;
        merged.elapsed_ns = merged.elapsed_ns.min(end);
        Published { number, end_ns: end, interval, total: merged, workers, worker_totals }
    }
}

impl Reported {
    /// What it did up to `end` that is not told yet, if it has reported anything of it. Where another
    /// controller has told before, it is not known how much of it that was.
    fn tell(&mut self, end: Nanos, told_by_another: bool) -> Option<WorkerInterval> {
        let first = self.snapshots.front().filter(|it| it.record.elapsed_ns <= end)?;
        let new = match &self.told {
            Some(told) => first.so_far.since(told),
            None => Some(first.so_far.clone()).filter(|_| !told_by_another),
        };
        self.told = Some(first.so_far.clone());
        new.filter(|new| !new.is_empty())
    }

    fn insert(&mut self, handed: Handed) {
        let snapshot = &handed.record;
        let place = self.snapshots.partition_point(|known| known.record.seq < snapshot.seq);
        let known = self.snapshots.get(place).is_some_and(|known| known.record.seq == snapshot.seq);
        let full = self.snapshots.len() == MOST_WAITING;
        if known || (full && place == 0) {
            return;
        }
        self.seq = self.seq.max(snapshot.seq);
        self.is_final |= snapshot.is_final;
        self.snapshots.insert(place, handed);
        if full {
            self.snapshots.pop_front();
        }
    }

    /// Whether one is missing before the first that goes beyond `begin`: it may be on its way.
    fn lacks_some_after(&self, begin: Nanos) -> bool {
        let first = self.snapshots.partition_point(|it| it.record.elapsed_ns <= begin);
        let before = first.checked_sub(1).map_or(0, |before| self.snapshots[before].record.seq);
        let next = self.snapshots.get(first).map(|handed| &handed.record);
        next.is_some_and(|it| it.seq > before + 1 && it.elapsed_ns > begin + SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::id::{RunId, WorkerId};
    use crate::record::Merge;
    use crate::record::fixtures::{Deed, deeds, play};
    use proptest::prelude::*;

    /// One that hands in what it has done so far, each second.
    struct Hand {
        run: RunId,
        worker: WorkerId,
        so_far: Snapshot,
    }

    impl Hand {
        fn new() -> Self {
            let worker = WorkerId(RunId::random().0);
            let so_far = Snapshot { worker: worker.to_string(), epoch: 1, ..Snapshot::default() };
            Self { run: RunId::random(), worker, so_far }
        }

        fn member(&self) -> Member {
            (self.worker.clone(), 1)
        }

        /// What it hands in at the end of a second in which it did this.
        fn does(&mut self, deeds: &[Deed]) -> SnapshotRecord {
            self.so_far.total.merge(&play(deeds).total);
            self.so_far.seq += 1;
            self.so_far.elapsed_ns = self.so_far.seq * SECOND;
            SnapshotRecord {
                run: self.run.clone(),
                worker: self.worker.clone(),
                epoch: 1,
                seq: self.so_far.seq,
                elapsed_ns: self.so_far.elapsed_ns,
                is_final: false,
                bytes: self.so_far.encode().into(),
            }
        }
    }

    fn living(hands: &[Hand]) -> BTreeSet<Member> {
        hands.iter().map(Hand::member).collect()
    }

    const OK: Deed = Deed::Answered { lag_us: 10, service_us: 700, status: 200 };

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_percentiles_of_five_workers_are_those_of_one_histogram_exactly(
            deeds in deeds(400),
            whose in prop::collection::vec(0..5usize, 400),
            seconds in 1..4usize,
        ) {
            let mut hands: Vec<_> = (0..5).map(|_| Hand::new()).collect();
            let mut merging = MemberMerge::default();
            let (mut of_all, mut of_intervals) = (None, Interval::default());
            for part in deeds.chunks(deeds.len().div_ceil(seconds).max(1)) {
                for (number, hand) in hands.iter_mut().enumerate() {
                    let dealt = part.iter().zip(&whose).filter(|(_, whose)| **whose == number);
                    let dealt: Vec<_> = dealt.map(|(deed, _)| *deed).collect();
                    prop_assert_eq!(merging.take(hand.does(&dealt)), Ok(true));
                }
                let published = merging.publish(&living(&hands), 0, 0).expect("all have reported");
                of_intervals.merge(&published.interval);
                of_all = Some(published.total.total);
            }
            let one = play(&deeds).total;
            let of_all = of_all.unwrap_or_default();
            let whole = [
                (&of_all.histograms.response, &one.histograms.response),
                (&of_all.histograms.service, &one.histograms.service),
            ];
            let of_names = of_all.named.iter().zip(&one.named).map(|(merged, single)| {
                (&merged.response, &single.response)
            });
            for (merged, single) in whole.into_iter().chain(of_names) {
                for quantile in [0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0] {
                    prop_assert_eq!(merged.quantile(quantile), single.quantile(quantile));
                }
            }
            // And so is every other count, in the total and in the sum of the intervals. Of examples
            // each worker keeps the first it sees.
            prop_assert_eq!(&of_all.health, &one.health);
            let counted = |it: Interval| {
                let Interval { counters, histograms, named, .. } = it;
                let total = Interval { counters, histograms, named, ..Interval::default() };
                Snapshot { total, ..Snapshot::default() }.encode()
            };
            let one = counted(one);
            prop_assert!(counted(of_all) == one);
            prop_assert!(counted(of_intervals) == one);
        }
    }

    /// How many requests are told of each hand in an interval.
    fn told(published: &Published, hands: &[Hand]) -> Vec<Option<u64>> {
        let of = |hand: &Hand| published.workers.iter().find(|it| it.worker == hand.worker.0);
        hands.iter().map(|hand| of(hand).map(|it| it.sent)).collect()
    }

    #[test]
    fn each_worker_is_told_of_by_itself_and_one_that_has_not_reported_is_not() {
        let mut hands = [Hand::new(), Hand::new()];
        let all = living(&hands);
        let mut merging = MemberMerge::default();
        for deeds in [2, 7] {
            merging.take(hands[0].does(&vec![OK; deeds])).unwrap();
        }
        let first = merging.publish(&all, SECOND + GRACE, 0).expect("it is late");
        assert_eq!(told(&first, &hands), [Some(2), None]);
        merging.take(hands[1].does(&[OK; 3])).unwrap();
        hands[1].so_far.total.health.stalled_ns = SECOND / 2;
        merging.take(hands[1].does(&[OK; 4])).unwrap();
        let second = merging.publish(&all, 2 * SECOND, 0).expect("all have reported");
        assert_eq!(told(&second, &hands), [Some(7), Some(7)]);
        let totals: u64 = second.worker_totals.iter().map(|it| it.sent).sum();
        assert_eq!(totals, 9 + 7);
        let late = second.workers.iter().find(|it| it.worker == hands[1].worker.0).unwrap();
        assert_eq!((late.health.stalled_ns, late.response.count()), (SECOND / 2, 7));
    }

    #[test]
    fn of_the_time_between_two_controllers_nobody_knows_what_each_worker_did() {
        let mut hands = [Hand::new(), Hand::new()];
        let all = living(&hands);
        let mut before = MemberMerge::default();
        for hand in &mut hands {
            before.take(hand.does(&[OK; 5])).unwrap();
        }
        let published = before.publish(&all, SECOND, 0).unwrap();
        let mut merging = MemberMerge::default();
        merging.resume(1, published.total.total);
        for (hand, deeds) in hands.iter_mut().zip([1, 2]) {
            merging.take(hand.does(&vec![OK; deeds])).unwrap();
        }
        let gap = merging.publish(&all, 2 * SECOND, 0).unwrap();
        assert_eq!((gap.interval.counters.sent, told(&gap, &hands)), (3, vec![None, None]));
        for hand in &mut hands {
            merging.take(hand.does(&[OK; 4])).unwrap();
        }
        let then = merging.publish(&all, 3 * SECOND, 0).unwrap();
        assert_eq!(told(&then, &hands), [Some(4), Some(4)]);
        let totals = then.worker_totals.iter().map(|it| it.sent).sum::<u64>();
        assert_eq!(totals, then.total.total.counters.sent);
    }

    #[test]
    fn one_that_is_late_is_waited_for_and_then_counted_in_a_later_interval() {
        let mut hands = [Hand::new(), Hand::new()];
        let all = living(&hands);
        let mut merging = MemberMerge::default();
        merging.take(hands[0].does(&[OK; 3])).unwrap();
        merging.take(hands[0].does(&[OK; 3])).unwrap();
        assert!(merging.publish(&all, SECOND + GRACE - 1, 0).is_none(), "the other may come yet");
        let first = merging.publish(&all, SECOND + GRACE, 0).expect("it is late");
        assert_eq!((first.interval.counters.sent, first.total.total.counters.sent), (3, 3));
        let late = hands[1].does(&[OK; 5]);
        merging.take(late).unwrap();
        merging.take(hands[1].does(&[OK; 5])).unwrap();
        let second = merging.publish(&all, 2 * SECOND, 0).expect("all have reported");
        assert_eq!((second.interval.counters.sent, second.total.total.counters.sent), (13, 16));
    }

    #[test]
    fn who_has_told_all_of_a_time_is_known() {
        let mut hands = [Hand::new(), Hand::new(), Hand::new()];
        let mut merging = MemberMerge::default();
        let third = |hand: &mut Hand| (0..3).map(|_| hand.does(&[OK])).last().unwrap();
        // Of the second the first two snapshots were lost on the way; the third has come in second 2.
        for _ in 0..3 {
            merging.take(hands[0].does(&[OK])).unwrap();
        }
        merging.take(third(&mut hands[1])).unwrap();
        let late = hands[2].does(&[OK]);
        merging.take(SnapshotRecord { elapsed_ns: 3 * SECOND, ..late }).unwrap();
        for second in 1..=3 {
            let published = merging.publish(&living(&hands[..1]), 100 * SECOND, 0);
            assert_eq!(published.map(|it| it.end_ns), Some(second * SECOND));
            let told = |hand: &Hand| merging.has_told(&hand.member(), second * SECOND);
            let expected = [true, second == 3, true];
            assert_eq!([0, 1, 2].map(|at| told(&hands[at])), expected, "second {second}");
        }
        assert!(!merging.has_told(&Hand::new().member(), SECOND), "nothing has come of it");
    }

    #[test]
    fn when_it_is_the_reader_that_is_behind_the_unread_are_waited_for() {
        let mut hands = [Hand::new(), Hand::new()];
        let all = living(&hands);
        let mut merging = MemberMerge::default();
        merging.take(hands[0].does(&[OK; 3])).unwrap();
        let seconds_later = SECOND + PATIENCE - 1;
        assert!(merging.publish(&all, seconds_later, 0).is_none(), "nobody is further");
        merging.take(hands[1].does(&[OK; 5])).unwrap();
        let first = merging.publish(&all, seconds_later, 0).expect("all have reported");
        assert_eq!(first.interval.counters.sent, 8);
        // But not for ever: this may have been the last second.
        merging.take(hands[0].does(&[OK; 3])).unwrap();
        assert!(merging.publish(&all, 2 * SECOND + PATIENCE, 0).is_some());
    }

    #[test]
    fn a_time_in_which_nobody_listened_is_one_interval() {
        let mut hands = [Hand::new(), Hand::new()];
        let mut merging = MemberMerge::default();
        let mut total = Interval::default();
        for second in 0..2 {
            for hand in &mut hands {
                merging.take(hand.does(&[OK; 5])).unwrap();
            }
            total = merging.publish(&living(&hands), second, 0).expect("all").total.total;
        }
        // Seconds 2 to 4 pass; then another controller asks for the newest of each.
        let mut next = MemberMerge::default();
        next.resume(2, total);
        let newest: Vec<_> =
            hands.iter_mut().map(|hand| (0..3).map(|_| hand.does(&[OK; 5])).last()).collect();
        for snapshot in newest.into_iter().flatten() {
            next.take(snapshot).unwrap();
        }
        let gap = next.publish(&living(&hands), 5 * SECOND, 0).expect("all have reported");
        assert_eq!((gap.number, gap.end_ns, gap.interval.counters.sent), (2, 5 * SECOND, 30));
        hands.iter_mut().for_each(|hand| assert_eq!(next.take(hand.does(&[OK; 5])), Ok(true)));
        let after = next.publish(&living(&hands), 6 * SECOND, 0).expect("all have reported");
        assert_eq!((after.number, after.end_ns, after.interval.counters.sent), (5, 6 * SECOND, 10));
    }

    #[test]
    fn after_an_outage_one_that_hands_in_later_than_another_is_waited_for() {
        let mut hands = [Hand::new(), Hand::new()];
        let all = living(&hands);
        let mut merging = MemberMerge::default();
        // Nobody could hand in anything for five seconds; then one does, and a little later the other.
        let back = 5 * SECOND + SECOND / 2;
        let [first, second] = hands.each_mut().map(|hand| [(); 5].map(|()| hand.does(&[OK; 3])));
        first.into_iter().for_each(|it| assert_eq!(merging.take(it), Ok(true)));
        assert!(merging.publish(&all, back + GRACE, back).is_none(), "its own are on their way");
        // The newest of it is asked for before the others have come.
        let [.., newest] = &second;
        assert_eq!(merging.take(newest.clone()), Ok(true));
        assert!(merging.publish(&all, back + GRACE, back).is_none(), "those before it lack");
        for older in &second[..4] {
            assert_eq!(merging.take(older.clone()), Ok(false), "it is not the newest");
        }
        for number in 0..5 {
            let published = merging.publish(&all, back + GRACE, back).expect("all have reported");
            assert_eq!((published.number, published.interval.counters.sent), (number, 6));
        }
        assert!(merging.publish(&all, back + PATIENCE, back).is_none(), "nothing more has come");
    }

    #[test]
    fn what_never_comes_is_not_waited_for_without_end() {
        let mut hands = [Hand::new()];
        let all = living(&hands);
        let mut merging = MemberMerge::default();
        let [_lost, second] = [(); 2].map(|()| hands[0].does(&[OK; 3]));
        merging.take(second).unwrap();
        assert!(merging.publish(&all, SECOND, 0).is_none(), "the first may be on its way");
        assert!(merging.publish(&all, SECOND + GRACE, 0).is_some());
        let both = merging.publish(&all, 2 * SECOND, 0).expect("it has come");
        assert_eq!(both.total.total.counters.sent, 6);
    }

    #[test]
    fn the_same_again_or_an_older_one_counts_nothing() {
        let mut hands = [Hand::new()];
        let mut merging = MemberMerge::default();
        let (first, second) = (hands[0].does(&[OK]), hands[0].does(&[OK]));
        assert_eq!(merging.take(second.clone()), Ok(true));
        assert_eq!(merging.take(second), Ok(false));
        assert_eq!(merging.take(first), Ok(false));
        merging.publish(&living(&hands), 2 * SECOND, 0);
        let both = merging.publish(&living(&hands), 2 * SECOND, 0).expect("the second second");
        assert_eq!(both.total.total.counters.sent, 2);
    }

    #[test]
    fn what_is_damaged_newer_or_another_workers_is_refused_and_changes_nothing() {
        let mut hand = Hand::new();
        let mut merging = MemberMerge::default();
        let good = hand.does(&[OK]);
        let with = |change: &dyn Fn(&mut SnapshotRecord)| {
            let mut bad = good.clone();
            change(&mut bad);
            bad
        };
        let newer = |it: &mut SnapshotRecord| {
            let mut bytes = it.bytes.to_vec();
            bytes[4] = 9;
            it.bytes = bytes.into();
        };
        let cut = |it: &mut SnapshotRecord| it.bytes.truncate(40);
        for (bad, told) in [
            (with(&newer), "version 9"),
            (with(&cut), "the snapshot's section"),
            (with(&|it| it.worker = "another".into()), "another worker's"),
            (with(&|it| it.seq = 1 << 60), "another number"),
        ] {
            let error = merging.take(bad).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
        assert_eq!(merging.take(good), Ok(true), "its own snapshot is still taken");
    }
}
