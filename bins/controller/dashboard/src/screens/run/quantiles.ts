// Says which percentiles of latency can be looked at, and reads which were chosen.

export const QUANTILES = ['p50', 'p75', 'p90', 'p95', 'p99', 'p99.9', 'max'] as const;
export type QuantileName = (typeof QUANTILES)[number];

/** What was kept may be of another version of the page; what is none of these is passed over. */
export function parseChosen(kept: unknown): QuantileName[] | null {
  if (!Array.isArray(kept)) return null;
  const known = QUANTILES.filter((name) => kept.includes(name));
  return known.length > 0 ? known : null;
}

export type Scale = 'auto' | 'linear' | 'log';

export const parseScale = (kept: unknown): Scale | null => (kept === 'auto' || kept === 'linear' || kept === 'log' ? kept : null);
