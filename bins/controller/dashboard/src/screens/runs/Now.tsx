// Shows what runs now, a card each: whether it is well, in a sentence and in figures of its newest seconds.
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { realtime } from '../../api/queries';
import type { Realtime, Run } from '../../api/types';
import { loadInWords, plannedSeconds, progress, wellness } from '../../api/words';
import { Button, coverStyle, format, Grid, Progress, Says, SlaChip, Sparkline, StateChip } from '../../ui';
import styles from './Now.module.css';

/** Cards at first; each asks for its newest seconds. */
const AT_FIRST = 6;

export function Now({ runs }: { runs: readonly Run[] }) {
  const [all, setAll] = useState(false);
  if (runs.length === 0) return null;
  const shown = all ? runs : runs.slice(0, AT_FIRST);
  return (
    <section className={styles.now} aria-label="Running now">
      <Grid least={380}>{shown.map((run) => <LiveCard key={run.id} run={run} />)}</Grid>
      {runs.length > AT_FIRST && <Button kind="quiet" small onClick={() => setAll(!all)}>{all ? 'Show fewer' : `Show ${runs.length - AT_FIRST} more that run now`}</Button>}
    </section>
  );
}

function LiveCard({ run }: { run: Run }) {
  // Who waits has no newest seconds.
  const measures = run.startedAt !== null && run.startedAt !== undefined;
  const { data } = useQuery({ ...realtime(run.id), enabled: measures });
  const { tone, says } = wellness(run, data);
  return (
    <article className={styles.card}><div className={styles.inside}>
      <header className={styles.head}>
        <h2 className="cut" title={run.scenario.name}><Link to="/runs/$id" params={{ id: run.id }} className={coverStyle}>{run.scenario.name}</Link></h2>
        <StateChip state={run.state} />
        <p className={`cut ${styles.target}`} title={run.scenario.targetUrl}>{run.scenario.targetUrl}</p>
        <p className={styles.well}><Says tone={tone}>{says}</Says></p>
      </header>
      <Figures run={run} now={data} />
      <div className={styles.course}>
        <Sparkline wide values={run.summary?.sparkline.rps ?? []} label={`Rate of ${run.scenario.name} over time`} />
        <Far run={run} now={data} />
      </div>
    </div></article>
  );
}

function Figures({ run: { summary }, now }: { run: Run; now: Realtime | undefined }) {
  const success = now ? now.successRate : summary?.successRate;
  return (
    <dl className={styles.figures}>
      <Figure name="Rate" title="Requests with an outcome per second, of those that are planned" beside={now ? (now.offeredRps === null ? 'closed loop' : `of ${format.rate(now.offeredRps)}`) : ''}>{format.rate(now ? now.currentRps : summary?.achievedRps)}</Figure>
      <Figure name="p99" title="Latency: 99 of 100 requests were answered faster" beside={now ? `p50 ${format.latency(now.p50LatencyMs)}` : ''}>{format.latency(now ? now.p99LatencyMs : summary?.p99Ms)}</Figure>
      <Figure name="Errors" title="Share of requests that failed in the last 10 s">{format.errorRate(success)}</Figure>
      <Figure name="SLA"><SlaChip passed={summary?.slaPassed} violated={summary?.slaViolated} /></Figure>
    </dl>
  );
}

function Figure({ name, beside, title, children }: { name: string; beside?: string; title?: string; children: React.ReactNode }) {
  return <div title={title}><dt>{name}</dt><dd>{children}</dd>{beside && <dd className={styles.beside}>{beside}</dd>}</div>;
}

/** How far it is, as a bar and in words. */
function Far({ run, now }: { run: Run; now: Realtime | undefined }) {
  const planned = plannedSeconds(run.scenario);
  const at = now?.untilSecond ?? run.summary?.durationSeconds ?? null;
  const words = at === null ? loadInWords(run.scenario) : planned === null ? format.duration(Math.round(at)) : `${format.duration(Math.min(planned, Math.round(at)))} of ${format.duration(planned)}`;
  return (
    <>
      <Progress part={progress(run, now)} label={words} />
      <p className={styles.far}><span>{words}</span>{planned !== null && at !== null && <span>{left(planned - at)}</span>}</p>
    </>
  );
}

const left = (seconds: number): string => (seconds <= 0 ? 'At its end' : `${format.duration(Math.round(seconds))} left`);
