// Shows the figures that people look at first: of the newest seconds while a run goes on, of the whole of it after.
import { useMemo } from 'react';
import { slaOf } from '../../api/result';
import { format, Stat, Stats, type Tone } from '../../ui';
import { figuresOf } from './figures';
import type { RunPage } from './use-run';

/** Of 100: from which share of failed requests on the figure is coloured. */
const [SOME, MANY] = [1, 10];
const errorTone = (percent: number | null): Tone | undefined => (percent === null || percent < SOME ? undefined : percent < MANY ? 'warning' : 'bad');
/** Less of what was planned than this is told by its colour. */
const KEPT = 0.97;
const rateTone = (achieved: number | null, planned: number | null): Tone | undefined => (achieved !== null && planned && achieved < planned * KEPT ? 'warning' : undefined);

export function Headlines({ page }: { page: RunPage }) {
  return page.ended ? <Whole page={page} /> : <Newest page={page} />;
}

function Newest({ page: { run, data, version, planned, totals } }: { page: RunPage }) {
  const now = useMemo(() => figuresOf(data, planned), [data, version, planned]);
  const isOpen = Boolean(run.scenario.loadProfile);
  const limit = limitOf(totals);
  const of = now.seconds > 0 ? `last ${format.duration(Math.round(now.seconds))}` : undefined;
  return (
    <Stats>
      <Stat name="Achieved rate" value={format.rate(now.achievedRps)} tone={rateTone(now.achievedRps, now.plannedRps)} beside={isOpen ? `of ${format.rate(now.plannedRps)} planned` : 'closed loop'} title={of && `Of the ${of}`} />
      <Stat name="p50" value={format.latency(now.p50Ms)} beside={of} title="Half of the requests took no longer" />
      <Stat name="p99" value={format.latency(now.p99Ms)} tone={limit?.tone} beside={limit?.says ?? of} title="99 of 100 requests took no longer" />
      <Stat name="Errors" value={format.percent(now.errorRate)} tone={errorTone(now.errorRate)} beside={of} />
      <Stat name="In flight" value={format.short(now.inFlight)} beside="not answered yet" />
      {isOpen && <Stat name="Backlog" value={format.short(now.backlog)} tone={now.backlog !== null && now.backlog > 0 ? 'warning' : undefined} beside="due, not sent" />}
      {isOpen && <Stat name="Dropped" value={format.short(now.dropped)} tone={now.dropped > 0 ? 'bad' : undefined} beside="given up in all" />}
      <Stat name="Requests" value={format.short(now.requests)} beside="with an outcome" />
    </Stats>
  );
}

/** What a rule of the 99th percentile allows. */
function limitOf(totals: RunPage['totals']): { says: string; tone?: Tone } | null {
  const outcome = totals && slaOf(totals).find(({ rule }) => /^(ok_)?p99\s*</.test(rule));
  return outcome ? { says: `limit ${outcome.rule.split('<')[1]?.replace('=', '').trim()}`, tone: outcome.passed ? undefined : 'bad' } : null;
}

function Whole({ page: { totals, result } }: { page: RunPage }) {
  if (!totals) return null;
  const { latency, arrivals, outcomes, successRate } = totals;
  const errors = successRate === null ? null : Math.max(0, 100 - successRate);
  const isOpen = totals.loop === 'open';
  const limit = limitOf(totals);
  const kind = result?.latencyKind === 'serviceTime' ? 'service time' : 'response time';
  return (
    <Stats>
      <Stat name="Achieved rate" value={format.rate(totals.achievedRps)} tone={rateTone(totals.achievedRps, totals.offeredRps)} beside={isOpen ? `of ${format.rate(totals.offeredRps)} offered` : 'closed loop'} />
      <Stat name="p50" value={format.latency(latency.p50Ms)} beside={kind} title="Half of the requests took no longer" />
      <Stat name="p99" value={format.latency(latency.p99Ms)} tone={limit?.tone} beside={limit?.says ?? kind} title="99 of 100 requests took no longer" />
      <Stat name="Longest" value={format.latency(latency.maxMs)} beside={kind} />
      <Stat name="Errors" value={format.percent(errors)} tone={errorTone(errors)} beside={`${format.count(outcomes.failed)} failed`} />
      {isOpen && <Stat name="Dropped" value={format.short(arrivals.dropped)} tone={arrivals.dropped > 0 ? 'bad' : undefined} beside="never sent" />}
      <Stat name="Requests" value={format.short(totals.totalRequests)} beside={outcomes.unfinished > 0 ? `${format.short(outcomes.unfinished)} unfinished` : 'with an outcome'} />
      <Stat name="Lasted" value={format.moment(totals.durationSeconds, (totals.durationSeconds ?? 0) >= 60)} beside={totals.interrupted ? 'stopped before its end' : totals.drainSeconds && totals.drainSeconds >= 1 ? `and ${format.duration(totals.drainSeconds)} of drain` : 'measured'} />
    </Stats>
  );
}
