// Moves the points of a planned rate: none passes its neighbours, none leaves what is allowed.

export interface ProfilePoint {
  second: number;
  rps: number;
  /** Its time stays: the beginning of a ramp is at 0. */
  fixedTime?: boolean;
  /** Its rate stays. */
  fixedRate?: boolean;
  /** What it is: `Peak`. */
  label?: string;
}

/** A number that people would have written, as near as a pixel is exact. */
export function tidy(value: number, exactness: number): number {
  const step = 10 ** Math.floor(Math.log10(Math.max(exactness, 1e-6)));
  const steps = exactness / step < 2 ? 1 : exactness / step < 5 ? 2 : 5;
  return Number((Math.round(value / (step * steps)) * step * steps).toPrecision(12));
}

export interface Limits {
  mostSeconds: number;
  mostRps: number;
}

export function movePoint(points: readonly ProfilePoint[], place: number, to: { second: number; rps: number }, limits: Limits): ProfilePoint[] {
  const point = points[place]!;
  const [least, most] = [points[place - 1]?.second ?? 0, points[place + 1]?.second ?? limits.mostSeconds];
  const second = point.fixedTime ? point.second : Math.min(most, Math.max(least, to.second));
  const rps = point.fixedRate ? point.rps : Math.min(limits.mostRps, Math.max(0, to.rps));
  return points.map((each, n) => (n === place ? { ...each, second, rps } : each));
}
