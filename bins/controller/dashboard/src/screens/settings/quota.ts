// Turns limits into rows that people read, and a form's texts into limits.
import type { Limits, Quota } from '../../api/types';
import { format } from '../../ui';

export type LimitName = keyof Limits;

export interface LimitRow {
  name: LimitName;
  label: string;
  /** What a field takes. */
  unit: string;
  show: (value: number | null | undefined) => string;
  /** What of it is used now; undefined of what is for each run alone. */
  used?: (used: Quota['used']) => number;
}

export const LIMITS: LimitRow[] = [
  { name: 'maxRate', label: 'Rate, all runs together', unit: '/s', show: format.rate, used: ({ rate }) => rate },
  { name: 'maxConnections', label: 'Connections, all runs together', unit: '', show: format.count, used: ({ connections }) => connections },
  { name: 'maxConcurrentRuns', label: 'Runs at once', unit: '', show: format.count, used: ({ concurrentRuns }) => concurrentRuns },
  { name: 'maxDurationSeconds', label: 'Length of a run', unit: 's', show: format.duration },
  { name: 'maxBodyBytes', label: 'Body of a request', unit: 'B', show: format.bytes },
];

/** Null where there is no limit to hold it against. */
export function usedShare(row: LimitRow, { limits, used }: Quota): number | null {
  const limit = limits[row.name];
  if (!row.used || limit === null || limit === undefined) return null;
  const now = row.used(used);
  return limit > 0 ? Math.min(1, now / limit) : now > 0 ? 1 : 0;
}

export const textsOf = (limits: Limits | null | undefined): Record<LimitName, string> =>
  Object.fromEntries(LIMITS.map(({ name }) => [name, limits?.[name]?.toString() ?? ''])) as Record<LimitName, string>;

/** An empty field is as for everybody. What is no number is left to the controller to refuse. */
export const limitsOf = (texts: Record<LimitName, string>): Limits =>
  Object.fromEntries(LIMITS.map(({ name }) => [name, texts[name].trim() === '' ? null : Number.isNaN(Number(texts[name])) ? texts[name] : Number(texts[name])])) as Limits;
