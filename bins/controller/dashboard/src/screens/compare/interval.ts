// Turns changes in percent into places on one axis that all rows share.

export interface Interval {
  changePercent: number | null;
  changeInterval: readonly number[] | null;
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200];

/** How far the axis reaches to both sides: all points are on it, and most of the intervals; those that reach beyond are cut. */
export function reach(changes: readonly Interval[], tolerance: number): number {
  const points = changes.map(({ changePercent }) => Math.abs(changePercent ?? 0));
  const ends = changes.flatMap(({ changeInterval }) => (changeInterval ?? []).map(Math.abs)).filter(Number.isFinite).sort((a, b) => a - b);
  const most = ends[Math.floor((ends.length - 1) * 0.75)] ?? 0;
  const wanted = Math.max(2 * tolerance, most, ...points.filter(Number.isFinite)) * 1.1;
  return STEPS.find((step) => step >= wanted) ?? STEPS.at(-1)!;
}

/** Where a change stands, 0 to 1, and whether it is beyond the axis. */
export function placeOf(percent: number, most: number): { at: number; beyond: -1 | 0 | 1 } {
  if (percent > most) return { at: 1, beyond: 1 };
  if (percent < -most) return { at: 0, beyond: -1 };
  return { at: (percent / most + 1) / 2, beyond: 0 };
}
