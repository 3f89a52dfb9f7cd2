// Says how far a run is, how long it will yet go on, and whether what is shown is live.
import { useEffect, useState } from 'react';
import type { StreamState } from '../../live/stream';
import { PlanStrip } from '../../plots/PlanStrip';
import { Card, Chip, format } from '../../ui';
import styles from './Run.module.css';
import type { RunPage } from './use-run';

const POINTS = 120;

export function Progress({ page: { run, data, planned, connection, totals } }: { page: RunPage }) {
  // The seconds that were told, never this browser's clock: it may be wrong.
  const at = data.length > 0 ? data.rows.lastSecond + data.rowSeconds : 0;
  const until = planned.until ?? run.scenario.durationSeconds ?? null;
  const most = run.scenario.maxRequests ?? null;
  const done = totals?.totalRequests ?? 0;
  const past = until !== null ? at / until : most !== null ? done / most : 0;
  const rates = until === null ? [] : Array.from({ length: POINTS }, (_, point) => planned.at((point / (POINTS - 1)) * until * 0.9999));
  return (
    <Card>
      <div className={styles.progress}>
        <span className={styles.elapsed}><b>{format.moment(Math.min(at, until ?? Infinity), true)}</b> {until !== null ? `of ${format.moment(until, true)}` : most !== null ? `· ${format.short(done)} of ${format.short(most)} requests` : ''}</span>
        <PlanStrip label={`Progress: ${format.percent(Math.min(100, past * 100), 2)}`} rates={rates} past={past} />
        <span className={styles.left}>{leftInWords(run.state, until === null ? null : until - at)}<Connection state={connection} /></span>
      </div>
    </Card>
  );
}

function leftInWords(state: RunPage['run']['state'], left: number | null): string {
  if (state === 'PAUSED') return 'Paused';
  if (state === 'STOPPING') return 'Ends now';
  if (left === null) return '';
  return left > 0 ? `${format.duration(Math.ceil(left))} left` : 'Awaits the last replies';
}

function Connection({ state }: { state: StreamState }) {
  if (state.kind === 'live') return <Chip tone="good" pulse title="What is shown is at most some seconds old">Live</Chip>;
  if (state.kind === 'connecting') return <Chip>Connecting</Chip>;
  if (state.kind === 'refused') return <Chip tone="bad" icon="warning" title={state.why}>{state.status === 401 ? 'Sign in again to see it live' : 'Not told live'}</Chip>;
  if (state.kind === 'lost') return <Chip tone="warning" icon="again" title="The run goes on meanwhile; nothing is lost"><Again at={state.againAt} /></Chip>;
  return null;
}

const secondsUntil = (at: number): number => Math.max(0, Math.ceil((at - performance.now()) / 1000));

function Again({ at }: { at: number }) {
  const [seconds, setSeconds] = useState(() => secondsUntil(at));
  useEffect(() => {
    setSeconds(secondsUntil(at));
    const timer = setInterval(() => setSeconds(secondsUntil(at)), 500);
    return () => clearInterval(timer);
  }, [at]);
  return <>{seconds > 0 ? `Connection lost, trying again in ${seconds} s` : 'Connection lost, trying again'}</>;
}
