// Turns the newest seconds of a run into the figures of its headline.
import type { RunData } from '../../live/run-data';
import type { Planned } from './planned';

export interface Figures {
  /** How many seconds they are of; fewer in a young run. */
  seconds: number;
  achievedRps: number | null;
  plannedRps: number | null;
  p50Ms: number | null;
  p99Ms: number | null;
  /** Of 100. */
  errorRate: number | null;
  inFlight: number | null;
  backlog: number | null;
  /** Of the whole run. */
  dropped: number;
  requests: number;
}

/** How many seconds a headline looks back. */
export const WINDOW = 10;

const known = (value: number | undefined): number | null => (value === undefined || !Number.isFinite(value) ? null : value);

function sum(column: ArrayLike<number>, from: number): number {
  let total = 0;
  for (let row = from; row < column.length; row += 1) total += column[row]!;
  return total;
}

function mean(values: ArrayLike<number>): number | null {
  const numbers = Array.from(values).filter(Number.isFinite);
  return numbers.length > 0 ? numbers.reduce((a, b) => a + b, 0) / numbers.length : null;
}

export function figuresOf(data: RunData, planned: Planned, window = WINDOW): Figures {
  const { rowSeconds, length } = data;
  const from = Math.max(0, length - Math.max(1, Math.round(window / rowSeconds)));
  const seconds = (length - from) * rowSeconds;
  const [ok, failed] = [sum(data.ok, from), sum(data.failed, from)];
  const latencies = length > 0 ? data.distribution(data.seconds[from]!, Infinity) : null;
  const plan = planned.isEmpty ? data.offeredRps.subarray(from) : planned.over(data.seconds.subarray(from), rowSeconds);
  return {
    seconds,
    achievedRps: seconds > 0 ? (ok + failed) / seconds : null,
    plannedRps: mean(plan),
    p50Ms: latencies?.quantile(0.5) ?? null,
    p99Ms: latencies?.quantile(0.99) ?? null,
    errorRate: ok + failed > 0 ? (100 * failed) / (ok + failed) : null,
    inFlight: known(data.inFlight[length - 1]),
    backlog: known(data.backlog[length - 1]),
    dropped: sum(data.dropped, 0),
    requests: sum(data.total, 0),
  };
}
