// Turns ranges of values into axes: where the ticks stand, and what they say.
import { latency, moment } from '../ui/format';

/** What lies along an edge of a plot. Places on it are linear: a logarithmic axis has the logarithms. */
export interface Axis {
  to: (value: number) => number;
  from: (place: number) => number;
  ticks: (from: number, to: number, most: number) => number[];
  text: (place: number) => string;
  /** A range that holds these values, ends on ticks. */
  around: (least: number, greatest: number, most: number) => [number, number];
}

export type Format = (value: number) => string;

/** 1, 2, 2.5 or 5 times a power of ten, not below `rough`. */
export function roundStep(rough: number): number {
  const size = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * size).find((step) => step >= rough * 0.9999) ?? 10 * size;
}

const multiples = (step: number, from: number, to: number): number[] => {
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, Math.min(count, 1000)) }, (_, n) => (first + n) * step);
};

/** From zero upwards. Of what is counted no tick lies between two whole numbers. */
export function linear(format: Format, isWhole = false): Axis {
  const step = (span: number, most: number): number => {
    const by = roundStep(Math.max(span, 1e-9) / most);
    if (!isWhole || Number.isInteger(by)) return by;
    return by > 2 ? 5 : 1;
  };
  return {
    to: (value) => value,
    from: (place) => place,
    text: format,
    ticks: (from, to, most) => multiples(step(to - from, most), from, to),
    around: (least, greatest, most) => {
      if (!(greatest > 0) && !(least < 0)) return [0, 1];
      const by = step(Math.max(greatest, 0) - Math.min(least, 0), most);
      // A line along the upper edge would be taken for the edge.
      const top = greatest > 0 ? (Math.floor((greatest * 1.02) / by) + 1) * by : 0;
      return [least < 0 ? Math.floor(least / by) * by : 0, top];
    },
  };
}

function logTicks(least: number, greatest: number): number[] {
  const decades = Math.log10(greatest / least);
  const steps = decades < 1.5 ? [1, 2, 3, 5, 7] : decades < 4 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(least)) - 1; power <= Math.ceil(Math.log10(greatest)) + 1; power += 1) {
    for (const step of steps) ticks.push(step * 10 ** power);
  }
  return ticks;
}

/** What is not above zero has no place. */
export function logarithmic(format: Format): Axis {
  return {
    to: (value) => (value > 0 ? Math.log10(value) : NaN),
    from: (place) => 10 ** place,
    text: (place) => format(Number((10 ** place).toPrecision(6))),
    ticks: (from, to, most) => {
      const [least, greatest] = [10 ** from, 10 ** to];
      const ticks = logTicks(least, greatest).filter((tick) => tick >= least * 0.9999 && tick <= greatest * 1.0001);
      const every = Math.max(1, Math.ceil(ticks.length / (most + 2)));
      return ticks.filter((_, place) => place % every === 0).map(Math.log10);
    },
    around: (least, greatest) => {
      if (!(least > 0) || !(greatest > 0)) return [0, 1];
      const ticks = logTicks(least, greatest);
      const from = ticks.filter((tick) => tick <= least * 1.0001).pop() ?? least;
      const to = ticks.find((tick) => tick >= greatest * 0.9999) ?? greatest;
      return [Math.log10(from), Math.log10(to > from ? to : from * 10)];
    },
  };
}

const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];

/** Whether moments are told as 2:05 and no more as 125 s. */
export const isLong = (seconds: number): boolean => seconds > 150;

/** Seconds since the start of a run. */
export const overTime: Axis = {
  to: (value) => value,
  from: (place) => place,
  text: (place) => moment(place),
  ticks: (from, to, most) => {
    const rough = (to - from) / Math.max(1, most);
    return multiples(TIME_STEPS.find((step) => step >= rough) ?? roundStep(rough / 86400) * 86400, from, to);
  },
  around: (least, greatest) => [least, greatest > least ? greatest : least + 1],
};

/** HdrHistogram's: as far from 99% to 99.9% as from 90% to 99%. */
export const overPercentiles: Axis = {
  to: (q) => -Math.log10(Math.max(1e-9, 1 - q)),
  from: (place) => 1 - 10 ** -place,
  text: (place) => (place === 0 ? '0%' : `${Number((100 * (1 - 10 ** -place)).toFixed(Math.max(0, Math.ceil(place - 2))))}%`),
  ticks: (from, to, most) => {
    const least = ((to - from) / most) * 0.7;
    const places = [0, -Math.log10(0.5), 1, 2, 3, 4, 5, 6, 7, 8].filter((place) => place >= from - 1e-9 && place <= to + 1e-9);
    // Where there is little room each second nine is left out: 90%, 99.9%, 99.999%.
    const isNarrow = least > 0.9;
    return places.filter((place) => (place % 1 !== 0 ? place >= least : !isNarrow || place === 0 || place % 2 === 1));
  },
  around: (least, greatest) => [least, greatest],
};

/** Whether values differ so much that only a logarithmic axis shows them all. */
export const wantsLog = (least: number, greatest: number): boolean => least > 0 && greatest / least > 25;

export const milliseconds: Format = (value) => latency(value);
