// Turns a load profile into the points that can be dragged, and a dragged point into another profile.
import type { ProfilePoint } from '../../plots';
import { get, isObject, list, number, set, type Doc, type Json } from './document';

export const PROFILES = [
  ['CONSTANT', 'Constant'],
  ['RAMP', 'Ramp'],
  ['STEPS', 'Steps'],
  ['SPIKE', 'Spike'],
  ['BURST', 'Bursts'],
  ['SINE', 'Sine'],
  ['REPLAY', 'Replay'],
] as const;
export type ProfileType = (typeof PROFILES)[number][0];

export const SAYS: Record<ProfileType, string> = {
  CONSTANT: 'The same rate all the time.',
  RAMP: 'From one rate to another, and on at that.',
  STEPS: 'One rate after the other. Together they are the duration.',
  SPIKE: 'For a short time many more.',
  BURST: 'Several times for a short time another rate.',
  SINE: 'Up and down in waves.',
  REPLAY: 'Straight lines between points, such as a recorded rate.',
};

const DEFAULT_SECONDS = 60;
const DEFAULT_RPS = 10;

export const typeOf = (document: Doc): ProfileType | null => {
  const type = get(document, 'loadProfile.type');
  return PROFILES.find(([known]) => known === type)?.[0] ?? null;
};

const stepsLong = (document: Doc): number => list(document, 'loadProfile.steps').reduce<number>((sum, step) => sum + (number(get(step, 'durationSeconds')) ?? 0), 0);

/** How long the load lasts; steps say it themselves. */
export function lasts(document: Doc): number {
  const given = number(document.durationSeconds);
  if (given !== null && given > 0) return given;
  const steps = stepsLong(document);
  return typeOf(document) === 'STEPS' && steps > 0 ? steps : DEFAULT_SECONDS;
}

/** With few digits, as somebody would type it who drags. */
const tidy = (value: number, most: number): number => {
  const step = 10 ** Math.floor(Math.log10(Math.max(most, 1e-6) / 100));
  return Number((Math.round(value / step) * step).toPrecision(6));
};

const field = (document: Doc, key: string, otherwise: number): number => number(get(document, `loadProfile.${key}`)) ?? otherwise;

/** Another type of profile, which begins about where the old one was. */
export function withType(document: Doc, type: ProfileType | 'closed'): Doc {
  if (type === 'closed') return set(document, 'loadProfile', undefined);
  const long = lasts(document);
  const first = number(get(document, 'loadProfile.steps[0].rps')) ?? number(get(document, 'loadProfile.points[0].rps'));
  const initialRps = number(get(document, 'loadProfile.initialRps')) ?? first ?? DEFAULT_RPS;
  const targetRps = field(document, 'targetRps', initialRps * 5);
  const part = (share: number) => tidy(long * share, long);
  const profiles: Record<ProfileType, Doc> = {
    CONSTANT: { initialRps },
    RAMP: { initialRps, targetRps },
    SPIKE: { initialRps, targetRps, spikeStartSecond: part(0.5), spikeDurationSeconds: Math.min(long / 2, Math.max(1, part(0.1))) },
    BURST: { initialRps, bursts: [{ startSecond: part(0.25), durationSeconds: part(0.1), rps: targetRps }, { startSecond: part(0.7), durationSeconds: part(0.1), rps: targetRps }] },
    STEPS: { steps: [1, 2, 3].map((times) => ({ durationSeconds: Number((long / 3).toPrecision(6)), rps: Number((initialRps * times).toPrecision(6)) })) },
    SINE: { initialRps, amplitudeRps: Number((initialRps / 2).toPrecision(6)), periodSeconds: part(0.5) },
    REPLAY: { points: [{ second: 0, rps: initialRps }, { second: part(0.5), rps: targetRps }, { second: long, rps: initialRps }] },
  };
  const changed = set(document, 'loadProfile', { type, ...profiles[type] });
  // The steps' sum is the duration: said twice, it would have to be changed twice.
  return set(changed, 'durationSeconds', type === 'STEPS' ? undefined : long);
}

/** Another list of `bursts`, `steps` or `points` with one more at its end, which is like those before it. */
export function withMore(document: Doc, key: 'bursts' | 'steps' | 'points'): Doc {
  const rows = list(document, `loadProfile.${key}`);
  const last = rows.at(-1);
  const of = (name: string, otherwise: number) => number(get(last, name)) ?? otherwise;
  const long = lasts(document);
  const rps = of('rps', DEFAULT_RPS);
  const row: Doc =
    key === 'steps' ? { durationSeconds: of('durationSeconds', 20), rps }
    : key === 'points' ? { second: last === undefined ? 0 : Math.min(long, tidy(of('second', 0) + long / 10, long)), rps }
    : burstAfter(of('startSecond', 0) + of('durationSeconds', 0), of('durationSeconds', tidy(long / 10, long)), long, rps);
  return set(document, ['loadProfile', key], [...rows, row]);
}

const burstAfter = (end: number, lasting: number, long: number, rps: number): Doc => ({ startSecond: Math.max(0, Math.min(tidy(end + lasting, long), long - lasting)), durationSeconds: lasting, rps });

/** A point of the plot, and which part of the profile it is. */
export interface Point extends ProfilePoint {
  id: string;
  label: string;
}

/** More than fingers can tell apart cannot be dragged. */
const MOST_POINTS = 60;

/** What can be dragged, in the order of time. */
export function pointsOf(document: Doc): Point[] {
  const long = lasts(document);
  const of = (key: string, otherwise = 0) => field(document, key, otherwise);
  const base = (label: string, second = 0): Point => ({ id: 'initialRps', label, second, rps: of('initialRps'), fixedTime: true });
  switch (typeOf(document)) {
    case 'CONSTANT':
      return [base('Rate', long / 2)];
    case 'RAMP':
      return [base('First rate'), { id: 'targetRps', label: 'Last rate', second: of('rampUpSeconds', long), rps: of('targetRps') }];
    case 'SPIKE': {
      const { start, end } = spike(document);
      return [base('Rate outside the spike'), { id: 'start', label: 'Begin of the spike', second: start, rps: of('targetRps') }, { id: 'end', label: 'End of the spike', second: end, rps: of('targetRps') }];
    }
    case 'BURST': {
      const edges = rows(document, 'bursts').flatMap((burst, place): Point[] => [
        { id: `start ${place}`, label: `Begin of burst ${place + 1}`, second: at(burst, 'startSecond'), rps: at(burst, 'rps') },
        { id: `end ${place}`, label: `End of burst ${place + 1}`, second: at(burst, 'startSecond') + at(burst, 'durationSeconds'), rps: at(burst, 'rps') },
      ]);
      return [base('Rate outside the bursts'), ...edges.toSorted((a, b) => a.second - b.second)];
    }
    case 'STEPS': {
      const steps = rows(document, 'steps');
      return steps.map((step, place) => ({ id: `step ${place}`, label: `End of step ${place + 1}`, second: exact(endOf(steps, place)), rps: at(step, 'rps'), fixedTime: place === steps.length - 1 }));
    }
    case 'SINE':
      return [base('Middle rate'), { id: 'peak', label: 'First peak', second: of('periodSeconds', long) / 4, rps: of('initialRps') + of('amplitudeRps') }];
    case 'REPLAY':
      return rows(document, 'points').map((row, place) => ({ id: `point ${place}`, label: `Point ${place + 1}`, second: at(row, 'second'), rps: at(row, 'rps') }));
    default:
      return [];
  }
}

const rows = (document: Doc, key: string): Json[] => {
  const all = list(document, `loadProfile.${key}`);
  return all.length > MOST_POINTS ? [] : all;
};
const at = (row: Json | undefined, key: string): number => (isObject(row) ? (number(row[key]) ?? 0) : 0);
const endOf = (steps: Json[], place: number): number => steps.slice(0, place + 1).reduce<number>((sum, step) => sum + at(step, 'durationSeconds'), 0);
/** 0.1 and 0.2 are 0.3. */
const exact = (value: number): number => Number(value.toPrecision(12));

function spike(document: Doc): { start: number; end: number } {
  const long = lasts(document);
  const start = field(document, 'spikeStartSecond', long / 2);
  return { start, end: exact(start + field(document, 'spikeDurationSeconds', Math.max(1, long / 10))) };
}

/** The document after the point of this id was moved. What is dragged is a corner: the other corners stay where they are. */
export function moved(document: Doc, id: string, to: { second: number; rps: number }): Doc {
  const old = pointsOf(document).find((point) => point.id === id);
  if (!old) return document;
  const put = (values: Record<string, number>) => Object.entries(values).reduce((changed, [key, value]) => set(changed, `loadProfile.${key}`, exact(value)), document);
  const [what, row] = id.split(' ');
  const second = to.second;
  const isMoved = second !== old.second;
  const least = lasts(document) / 1000;
  switch (what) {
    case 'initialRps': return put({ initialRps: to.rps });
    case 'targetRps': return put({ targetRps: to.rps, ...(isMoved && { rampUpSeconds: second }) });
    case 'peak': return put({ amplitudeRps: Math.max(0, to.rps - field(document, 'initialRps', 0)), ...(isMoved && { periodSeconds: Math.max(second, least) * 4 }) });
    case 'point': return put({ [`points[${row}].rps`]: to.rps, ...(isMoved && { [`points[${row}].second`]: second }) });
    case 'step': {
      const steps = list(document, 'loadProfile.steps');
      const place = Number(row);
      const end = Math.max(second, endOf(steps, place - 1) + least);
      const times = { [`steps[${place}].durationSeconds`]: end - endOf(steps, place - 1), [`steps[${place + 1}].durationSeconds`]: Math.max(least, endOf(steps, place + 1) - end) };
      return put({ [`steps[${place}].rps`]: to.rps, ...(isMoved && place + 1 < steps.length && times) });
    }
    default: {
      const isSpike = row === undefined;
      const [startKey, lastsKey, rateKey] = isSpike ? ['spikeStartSecond', 'spikeDurationSeconds', 'targetRps'] : [`bursts[${row}].startSecond`, `bursts[${row}].durationSeconds`, `bursts[${row}].rps`];
      const burst = get(document, `loadProfile.bursts[${row}]`);
      const { start, end } = isSpike ? spike(document) : { start: at(burst, 'startSecond'), end: at(burst, 'startSecond') + at(burst, 'durationSeconds') };
      const times = what === 'start' ? { [startKey!]: Math.min(second, end - least), [lastsKey!]: Math.max(least, end - second) } : { [lastsKey!]: Math.max(least, second - start) };
      return put({ [rateKey!]: to.rps, ...(isMoved && times) });
    }
  }
}

const WAVE_POINTS = 240;

/** The planned rate at once, until the controller has told it: its corners are exact, a wave is nearly. */
export function courseOf(document: Doc): { seconds: number[]; rps: number[] } {
  const long = lasts(document);
  const corners = cornersOf(document, long);
  return { seconds: corners.map(([second]) => second), rps: corners.map(([, rps]) => rps) };
}

function cornersOf(document: Doc, long: number): [second: number, rps: number][] {
  const of = (key: string, otherwise = 0) => field(document, key, otherwise);
  const initial = of('initialRps');
  switch (typeOf(document)) {
    case 'CONSTANT': return [[0, initial], [long, initial]];
    case 'RAMP': return [[0, initial], [of('rampUpSeconds', long), of('targetRps')], [long, of('targetRps')]];
    case 'SPIKE': {
      const { start, end } = spike(document);
      return [[0, initial], [start, initial], [start, of('targetRps')], [end, of('targetRps')], [end, initial], [long, initial]];
    }
    case 'BURST': {
      const bursts = list(document, 'loadProfile.bursts').map((burst) => ({ start: at(burst, 'startSecond'), end: at(burst, 'startSecond') + at(burst, 'durationSeconds'), rps: at(burst, 'rps') }));
      // Where bursts overlap the highest holds.
      const rate = (second: number) => {
        const now = bursts.filter(({ start, end }) => start <= second && second < end);
        return now.length > 0 ? Math.max(...now.map(({ rps }) => rps)) : initial;
      };
      const edges = [0, ...bursts.flatMap(({ start, end }) => [start, end]), long].toSorted((a, b) => a - b);
      return edges.slice(1).flatMap((end, place): [number, number][] => (end > edges[place]! ? [[edges[place]!, rate(edges[place]!)], [end, rate(edges[place]!)]] : []));
    }
    case 'STEPS': {
      const steps = list(document, 'loadProfile.steps');
      let end = 0;
      return steps.flatMap((step): [number, number][] => {
        const begin = end;
        end += at(step, 'durationSeconds');
        return [[begin, at(step, 'rps')], [end, at(step, 'rps')]];
      });
    }
    case 'SINE': {
      const period = of('periodSeconds', long) || long;
      return Array.from({ length: WAVE_POINTS + 1 }, (_, place) => {
        const second = (place / WAVE_POINTS) * long;
        return [second, Math.max(0, initial + of('amplitudeRps') * Math.sin((2 * Math.PI * second) / period))];
      });
    }
    case 'REPLAY': {
      const points = list(document, 'loadProfile.points').map((row): [number, number] => [at(row, 'second'), at(row, 'rps')]);
      const last = points.at(-1);
      return last && last[0] < long ? [...points, [long, last[1]]] : points;
    }
    default: return [];
  }
}
