// Turns the plan of a run, and what it was told meanwhile, into the rate that was planned for each of its seconds.
import type { Preview, TimelineEvent } from '../../api/types';

type Plan = Pick<Preview, 'rate' | 'rateSeconds' | 'durationSeconds'>;
type Told = Pick<TimelineEvent, 'kind' | 'atSeconds'> & { data?: unknown };

/** Between the call and its effect, so that every worker has heard of it by then. */
const EFFECT_SECONDS = 0.5;

interface Pause {
  from: number;
  to: number;
}

/** A line from the present rate to another one, and that to the end; in the profile's own time. */
interface Line {
  from: number;
  fromRps: number;
  toRps: number;
  over: number;
}

const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);
const dataOf = (event: Told): Record<string, unknown> => (typeof event.data === 'object' && event.data !== null ? (event.data as Record<string, unknown>) : {});

const effectOf = (event: Told): number | null => {
  const told = number(dataOf(event).effectiveAtSeconds);
  if (told !== null) return told;
  const at = number(event.atSeconds);
  return at === null ? null : at + EFFECT_SECONDS;
};

/** What is planned over the time of the run: pauses stop the profile's clock, changes of rate replace what is left. */
export class Planned {
  readonly #pauses: Pause[] = [];
  readonly #lines: Line[] = [];

  constructor(
    readonly plan: Plan,
    events: readonly Told[] = [],
  ) {
    for (const event of events) this.#take(event);
  }

  #take(event: Told): void {
    const at = effectOf(event);
    if (at === null) return;
    const last = this.#pauses.at(-1);
    const paused = last !== undefined && last.to === Infinity;
    if (event.kind === 'paused' && !paused) this.#pauses.push({ from: at, to: Infinity });
    if (event.kind === 'resumed' && paused) last.to = at;
    if (event.kind !== 'rate_changed') return;
    const [toRps, over] = [number(dataOf(event).targetRps), number(dataOf(event).overSeconds) ?? 0];
    if (toRps === null) return;
    const from = this.#clock(at);
    this.#lines.push({ from, fromRps: this.#profile(from), toRps, over });
  }

  /** The profile's clock at a second of the run. */
  #clock(second: number): number {
    return this.#pauses.reduce((left, { from, to }) => left - Math.max(0, Math.min(second, to) - from), second);
  }

  #profile(clock: number): number {
    const line = this.#lines.findLast(({ from }) => from <= clock);
    if (!line) return this.#planned(clock);
    const past = line.over > 0 ? Math.min(1, (clock - line.from) / line.over) : 1;
    return line.fromRps + (line.toRps - line.fromRps) * past;
  }

  #planned(clock: number): number {
    const { rate, rateSeconds } = this.plan;
    const row = rate[Math.floor(clock / rateSeconds)];
    return row?.meanRps ?? NaN;
  }

  /** Requests per second at a second of the run; NaN where nothing is planned. */
  at(second: number): number {
    const { durationSeconds } = this.plan;
    if (this.#pauses.some(({ from, to }) => second >= from && second < to)) return 0;
    const clock = this.#clock(second);
    if (durationSeconds !== null && clock >= durationSeconds) return NaN;
    return this.#profile(clock);
  }

  /** Of each row: the rate in its middle. */
  over(seconds: ArrayLike<number>, rowSeconds: number): Float64Array {
    return Float64Array.from({ length: seconds.length }, (_, row) => this.at(seconds[row]! + rowSeconds / 2));
  }

  /** When nothing more falls due, in seconds of the run: pauses put it off. Null where requests alone end it. */
  get until(): number | null {
    const { durationSeconds } = this.plan;
    if (durationSeconds === null) return null;
    // A pause that goes on puts the end off for as long as it lasts: nobody knows yet.
    return this.#pauses.reduce((end, { from, to }) => (to === Infinity ? end : end + (to - from)), durationSeconds);
  }

  get isEmpty(): boolean {
    return this.plan.rate.length === 0;
  }
}

const NONE: Plan = { rate: [], rateSeconds: 1, durationSeconds: null };

/** Where there is no plan (closed loop, a target that may not be loaded any more) nothing is planned. */
export const plannedOf = (plan: Plan | null | undefined, events: readonly Told[]): Planned => new Planned(plan ?? NONE, events);
