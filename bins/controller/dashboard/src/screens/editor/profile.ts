// Turns a load profile into the points that can be dragged, and a dragged point into another profile.
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

/** A point of the plot. What does not move in a direction stays where it is. */
export interface Point {
  id: string;
  label: string;
  second: number;
  rps: number;
  /** Between which seconds it can be moved; the same ones where it cannot. */
  from: number;
  to: number;
}

const point = (id: string, label: string, second: number, rps: number, from = second, to = second): Point => ({ id, label, second, rps, from, to });

/** What can be dragged. Of a list there are as many points as there are rows, up to a number that fingers can tell apart. */
export function pointsOf(document: Doc): Point[] {
  const long = lasts(document);
  const of = (key: string, otherwise = 0) => field(document, key, otherwise);
  const initial = of('initialRps');
  switch (typeOf(document)) {
    case 'CONSTANT':
      return [point('initialRps', 'Rate', long / 2, initial)];
    case 'RAMP':
      return [point('initialRps', 'First rate', 0, initial), point('targetRps', 'Last rate', of('rampUpSeconds', long), of('targetRps'), 0, long)];
    case 'SPIKE': {
      const lasting = of('spikeDurationSeconds', Math.max(1, long / 10));
      const start = of('spikeStartSecond', long / 2);
      return [point('initialRps', 'Rate outside the spike', 0, initial), point('start', 'Begin of the spike', start, of('targetRps'), 0, Math.max(0, long - lasting)), point('end', 'End of the spike', start + lasting, of('targetRps'), start, long)];
    }
    case 'BURST':
      return [
        point('initialRps', 'Rate outside the bursts', 0, initial),
        ...few(list(document, 'loadProfile.bursts')).flatMap((burst, place) => {
          const [start, lasting, rps] = [numberAt(burst, 'startSecond'), numberAt(burst, 'durationSeconds'), numberAt(burst, 'rps')];
          return [point(`start ${place}`, `Begin of burst ${place + 1}`, start, rps, 0, Math.max(0, long - lasting)), point(`end ${place}`, `End of burst ${place + 1}`, start + lasting, rps, start, long)];
        }),
      ];
    case 'STEPS': {
      let end = 0;
      return few(list(document, 'loadProfile.steps')).map((step, place) => {
        const begin = end;
        end += numberAt(step, 'durationSeconds');
        return point(`step ${place}`, `End of step ${place + 1}`, end, numberAt(step, 'rps'), begin, Infinity);
      });
    }
    case 'SINE': {
      const period = of('periodSeconds', long);
      return [point('initialRps', 'Middle rate', 0, initial), point('peak', 'First peak', period / 4, initial + of('amplitudeRps'), 0, Infinity)];
    }
    case 'REPLAY': {
      const rows = few(list(document, 'loadProfile.points'));
      const at = (place: number) => numberAt(rows[place]!, 'second');
      return rows.map((row, place) => point(`point ${place}`, `Point ${place + 1}`, at(place), numberAt(row, 'rps'), place > 0 ? at(place - 1) : 0, place + 1 < rows.length ? at(place + 1) : long));
    }
    default:
      return [];
  }
}

const MOST_POINTS = 60;
const few = (rows: Json[]): Json[] => (rows.length > MOST_POINTS ? [] : rows);
const numberAt = (row: Json, key: string): number => (isObject(row) ? (number(row[key]) ?? 0) : 0);

/** The document after the point of this id was moved. */
export function moved(document: Doc, id: string, second: number, rps: number): Doc {
  const points = pointsOf(document);
  const old = points.find((it) => it.id === id);
  if (!old) return document;
  const long = lasts(document);
  const at = Math.min(Math.max(tidy(second, long), old.from), old.to);
  const rate = Math.max(0, tidy(rps, Math.max(rps, old.rps)));
  const [what, row] = id.split(' ');
  const put = (values: Record<string, number>) => Object.entries(values).reduce((changed, [key, value]) => set(changed, `loadProfile.${key}`, Number(value.toPrecision(9))), document);
  const moves = at !== old.second;
  switch (what) {
    case 'initialRps': return put({ initialRps: rate });
    case 'targetRps': return put({ targetRps: rate, ...(moves && { rampUpSeconds: at }) });
    case 'peak': return put({ amplitudeRps: Math.max(0, rate - field(document, 'initialRps', 0)), ...(moves && { periodSeconds: Math.max(at, long / 1000) * 4 }) });
    case 'point': return put({ [`points[${row}].rps`]: rate, ...(moves && { [`points[${row}].second`]: at }) });
    case 'step': {
      const changed = put({ [`steps[${row}].rps`]: rate, ...(moves && { [`steps[${row}].durationSeconds`]: Math.max(at - old.from, long / 1000) }) });
      return changed.durationSeconds === undefined ? changed : set(changed, 'durationSeconds', stepsLong(changed));
    }
    case 'start':
      return row === undefined ? put({ targetRps: rate, ...(moves && { spikeStartSecond: at }) }) : put({ [`bursts[${row}].rps`]: rate, ...(moves && { [`bursts[${row}].startSecond`]: at }) });
    case 'end': {
      const begin = old.from;
      const lasting = Math.max(at - begin, long / 1000);
      return row === undefined ? put({ targetRps: rate, ...(moves && { spikeDurationSeconds: lasting }) }) : put({ [`bursts[${row}].rps`]: rate, ...(moves && { [`bursts[${row}].durationSeconds`]: lasting }) });
    }
    default: return document;
  }
}
