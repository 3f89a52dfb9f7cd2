// Turns long columns into short ones that a sparkline shows.

const POINTS = 60;

/** The mean of each of at most sixty parts; a part without values is a gap. */
export function thinned(values: ArrayLike<number>, points = POINTS): (number | null)[] {
  const parts = Math.min(points, values.length);
  return Array.from({ length: parts }, (_, part) => {
    const [from, to] = [Math.floor((part * values.length) / parts), Math.floor(((part + 1) * values.length) / parts)];
    let [sum, count] = [0, 0];
    for (let at = from; at < to; at += 1) {
      if (!Number.isFinite(values[at]!)) continue;
      sum += values[at]!;
      count += 1;
    }
    return count > 0 ? sum / count : null;
  });
}

export interface Spread {
  last: number | null;
  least: number | null;
  greatest: number | null;
}

export function spreadOf(values: readonly (number | null)[]): Spread {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length === 0) return { last: null, least: null, greatest: null };
  return { last: known.at(-1)!, least: Math.min(...known), greatest: Math.max(...known) };
}
