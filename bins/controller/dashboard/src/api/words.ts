// Turns scenarios, runs and workers into the short sentences that people read of them.
import { count, duration, errorRate, latency, percent, rate } from '../ui/format';
import { hasEnded, type Realtime, type Run, type Scenario, type Worker } from './types';

type Tone = 'good' | 'warning' | 'bad' | 'neutral' | 'info';

/** A judgement in a word or a sentence. */
export interface Judgement {
  tone: Tone;
  says: string;
}

type Profile = NonNullable<Scenario['loadProfile']>;
type OfType<T extends Profile['type']> = Extract<Profile, { type: T }>;

/** How long the load is planned to last; null where a number of requests alone ends it. */
export function plannedSeconds({ durationSeconds, loadProfile }: Scenario): number | null {
  if (typeof durationSeconds === 'number') return durationSeconds;
  if (loadProfile?.type !== 'STEPS') return null;
  return loadProfile.steps.reduce((sum, step) => sum + step.durationSeconds, 0);
}

const within = (seconds: number | null): string => (seconds === null ? '' : ` for ${duration(seconds)}`);
const times = (many: number, one: string): string => `${count(many)} ${one}${many === 1 ? '' : 's'}`;

function ramp({ initialRps, targetRps, rampUpSeconds }: OfType<'RAMP'>, seconds: number | null): string {
  const up = rampUpSeconds ?? seconds;
  const held = up !== null && seconds !== null && seconds > up ? `, held for ${duration(seconds - up)}` : '';
  return `Ramp from ${rate(initialRps)} to ${rate(targetRps)}${up === null ? '' : ` in ${duration(up)}`}${held}`;
}

function spike({ initialRps, targetRps, spikeStartSecond, spikeDurationSeconds }: OfType<'SPIKE'>, seconds: number | null): string {
  const [start, length] = seconds === null ? [spikeStartSecond, spikeDurationSeconds] : [spikeStartSecond ?? seconds / 2, spikeDurationSeconds ?? Math.max(1, seconds / 10)];
  return `${rate(initialRps)}${within(seconds)}, a spike to ${rate(targetRps)}${length ? ` of ${duration(length)}` : ''}${start ? ` after ${duration(start)}` : ''}`;
}

function bursts({ initialRps, bursts: list }: OfType<'BURST'>, seconds: number | null): string {
  const most = Math.max(...list.map(({ rps }) => rps));
  return `${rate(initialRps)}${within(seconds)}, ${times(list.length, 'burst')}${list.length > 0 ? ` of ${list.length > 1 ? 'up to ' : ''}${rate(most)}` : ''}`;
}

function steps({ steps: list }: OfType<'STEPS'>, seconds: number | null): string {
  const [first, last] = [list[0], list.at(-1)];
  if (!first || !last || list.length === 1) return `${rate(first?.rps)}${within(seconds)}`;
  const most = Math.max(...list.map(({ rps }) => rps));
  const between = most > Math.max(first.rps, last.rps) ? `, up to ${rate(most)}` : '';
  return `${times(list.length, 'step')} from ${rate(first.rps)} to ${rate(last.rps)}${between}${within(seconds)}`;
}

const sine = ({ initialRps, amplitudeRps, periodSeconds }: OfType<'SINE'>, seconds: number | null): string =>
  `Waves of ${rate(Math.max(0, initialRps - amplitudeRps))} to ${rate(initialRps + amplitudeRps)}, each ${duration(periodSeconds)} long${within(seconds)}`;

function replay(profile: OfType<'REPLAY'>, seconds: number | null): string {
  // A file is read where the scenario is read; who wrote the document by hand may show another.
  const points = profile.points ?? [];
  const most = points.length > 0 ? ` of up to ${rate(Math.max(...points.map(({ rps }) => rps)))}` : '';
  return `Replay of ${times(points.length, 'point')}${most}${within(seconds)}`;
}

function open(profile: Profile, seconds: number | null): string {
  switch (profile.type) {
    case 'CONSTANT':
      return `${rate(profile.initialRps)}${within(seconds)}`;
    case 'RAMP':
      return ramp(profile, seconds);
    case 'SPIKE':
      return spike(profile, seconds);
    case 'BURST':
      return bursts(profile, seconds);
    case 'STEPS':
      return steps(profile, seconds);
    case 'SINE':
      return sine(profile, seconds);
    case 'REPLAY':
      return replay(profile, seconds);
    default:
      // A newer controller may know a profile that this page does not.
      return `${String((profile as { type?: unknown }).type ?? 'Load')}${within(seconds)}`;
  }
}

/** What load a scenario makes: `Ramp from 50/s to 500/s in 30 s, held for 30 s`. */
export function loadInWords(scenario: Scenario): string {
  const { loadProfile, maxRequests, connections } = scenario;
  const seconds = plannedSeconds(scenario);
  const most = maxRequests ? `, at most ${times(maxRequests, 'request')}` : '';
  if (loadProfile) return `${open(loadProfile, seconds)}${most}`;
  return `As fast as ${times(connections ?? 64, 'connection')} ${connections === 1 ? 'allows' : 'allow'}${within(seconds)}${most}`;
}

/** Tags, where there are any. */
export const tagsOf = (scenario: Scenario): string[] => scenario.tags ?? [];

/** Rules as they are written, without their windows. */
export const rulesOf = (scenario: Scenario): string[] => (scenario.sla ?? []).map((rule) => (typeof rule === 'string' ? rule : rule.rule));

/** Requests of the newest seconds: fewer than this part of what is planned is told. */
const KEPT = 0.95;
/** From so many failed requests on, in percent, it is told; and it is bad. */
const [SOME_FAIL, MANY_FAIL] = [1, 10];

const WAITS: Partial<Record<Run['state'], string>> = {
  QUEUED: 'Waits for workers',
  PREPARING: 'Its workers get ready',
  STARTING: 'About to start',
  PAUSED: 'Paused: no new requests until it is resumed',
  STOPPING: 'Stopping: what is under way is awaited',
};

/** Whether a run that goes on is well, by what is known of its newest seconds. The worst is told. */
export function wellness(run: Run, now: Realtime | null | undefined): Judgement {
  if (run.waitingFor) return { tone: 'neutral', says: `Waits for ${run.waitingFor.what}` };
  const waits = WAITS[run.state];
  if (waits) return { tone: run.state === 'PAUSED' ? 'warning' : 'neutral', says: waits };
  const violated = run.summary?.slaViolated ?? 0;
  const success = now?.successRate ?? run.summary?.successRate ?? null;
  const failed = success === null ? 0 : 100 - success;
  const part = now?.offeredRps && now.currentRps !== null ? now.currentRps / now.offeredRps : null;
  if (violated > 0) return { tone: 'bad', says: violated === 1 ? 'An SLA rule is violated' : `${count(violated)} SLA rules are violated` };
  if (failed >= MANY_FAIL) return { tone: 'bad', says: `${errorRate(success)} of requests fail` };
  if (part !== null && part < KEPT) return { tone: 'warning', says: `Only ${percent(part * 100, 2)} of the planned rate is achieved` };
  if (failed >= SOME_FAIL) return { tone: 'warning', says: `${errorRate(success)} of requests fail` };
  if (success === null) return { tone: 'neutral', says: 'Nothing has been answered yet' };
  const rules = run.summary?.slaPassed ? ' and every SLA rule holds' : '';
  return { tone: 'good', says: now?.offeredRps ? `It is well: the planned rate is kept${rules}` : `It is well${rules ? `: every SLA rule holds` : ''}` };
}

/** How far a run is, 0 to 1; null where it has no planned end or no measured time yet. */
export function progress(run: Run, now: Realtime | null | undefined): number | null {
  const planned = plannedSeconds(run.scenario);
  const at = now?.untilSecond ?? run.summary?.durationSeconds ?? null;
  if (planned === null || at === null || planned <= 0) return null;
  return Math.min(1, Math.max(0, at / planned));
}

/** Several judgements in one: the worst of them. */
export function worst(all: readonly Judgement[]): Judgement | null {
  const order: Tone[] = ['bad', 'warning', 'good', 'info', 'neutral'];
  return all.reduce<Judgement | null>((found, one) => (found && order.indexOf(found.tone) <= order.indexOf(one.tone) ? found : one), null);
}

const TASKS: Record<string, string> = {
  taken: 'Gets ready',
  ready: 'Ready to start',
  refused: 'Has refused its task',
  running: 'Makes load',
  fenced: 'Sends nothing: its lease is over',
  ended: 'Is done with its part',
};
/** A clock that is more uncertain than this makes latencies across workers hard to set side by side. */
const CLOCK_MS = 100;

/** What a worker does now. The first that holds is told. */
export function workerInWords({ alive, compatible, draining, task, clockErrorMs }: Worker): Judgement {
  if (!alive) return { tone: 'bad', says: 'Lost: no longer heard of' };
  if (!compatible) return { tone: 'warning', says: 'Of another version: gets no tasks' };
  if (draining) return { tone: 'warning', says: task ? 'Draining: hands over what it has' : 'Draining' };
  if (task === 'fenced' || task === 'refused') return { tone: 'bad', says: TASKS[task]! };
  if (clockErrorMs !== null && clockErrorMs !== undefined && clockErrorMs > CLOCK_MS) return { tone: 'warning', says: `Its clock is uncertain by ${latency(clockErrorMs)}` };
  if (task) return { tone: 'info', says: TASKS[task] ?? task };
  return { tone: 'good', says: 'Free' };
}

/** How long a run took, from its start to its end or to now; null before it began. */
export function lasted(run: Run, now = Date.now()): number | null {
  if (run.summary && run.endedAt) return run.summary.durationSeconds;
  if (!run.startedAt) return null;
  const seconds = ((run.endedAt ? Date.parse(run.endedAt) : now) - Date.parse(run.startedAt)) / 1000;
  // A clock that is wrong makes no time below 0.
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

/** How long its load lasted, or lasts by now; empty before it began. */
export function lastedInWords(run: Run): string {
  const seconds = lasted(run);
  if (seconds === null) return '';
  return `${hasEnded(run.state) ? 'lasted' : 'for'} ${duration(seconds >= 10 ? Math.round(seconds) : seconds)}`;
}

/** A name as a file has it: `shop-nightly`. */
export const fileName = (name: string): string => name.normalize('NFKD').replace(/[^\w.-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '').slice(0, 60).toLowerCase() || 'scenario';
