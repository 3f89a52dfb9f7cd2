// Turns an objective and what limits a capacity into words, and the parts of a form into an order.
import type { SearchOrder } from '../../api/commands';
import { format } from '../../ui';

/** What an objective can be about: how the rule calls it, what people read, its unit. */
export const STATISTICS = [
  ['ok_p99', '99% of the ok requests are quicker than', 'ms'],
  ['ok_p95', '95% of the ok requests are quicker than', 'ms'],
  ['ok_p50', 'Half of the ok requests are quicker than', 'ms'],
  ['ok_p99.9', '99.9% of the ok requests are quicker than', 'ms'],
  ['p99', '99% of all requests, failed ones too, are quicker than', 'ms'],
  ['error_rate', 'Failed requests are fewer than', '%'],
] as const;

export const unitOf = (statistic: string): string => STATISTICS.find(([name]) => name === statistic)?.[2] ?? 'ms';

/** The rule, as the API takes it: ok_p99<50ms. */
export const ruleOf = (statistic: string, bound: string): string => `${statistic}<${bound.trim()}${unitOf(statistic)}`;

export interface Form {
  /** A kept scenario's id; empty: `url`. */
  scenarioId: string;
  url: string;
  statistic: string;
  bound: string;
  maxRate: string;
  minutes: string;
}

/** What the controller is asked; what is no number is left to it to refuse, at its field. */
export function orderOf({ scenarioId, url, statistic, bound, maxRate, minutes }: Form): SearchOrder {
  const what = scenarioId
    ? { scenarioId }
    : { scenario: { name: `Capacity of ${hostOf(url)}`.slice(0, 200), targetUrl: url.trim(), durationSeconds: Number(minutes) * 60 } };
  return { ...what, slo: ruleOf(statistic, bound), maxRate: Number(maxRate), durationSeconds: Number(minutes) * 60 };
}

const hostOf = (url: string): string => {
  try {
    return new URL(url).host;
  } catch {
    return url.trim() || 'a target';
  }
};

/** What holds a capacity down, in a word or two. */
export function limitWords(limitedBy: string | null | undefined): string {
  if (!limitedBy) return format.NOTHING;
  return { slo: 'Objective', generator: 'Generator', maxRate: 'Highest rate' }[limitedBy] ?? format.word(limitedBy);
}

/** Between 120/s and 130/s; from 22/s on; up to 40/s. */
export function intervalWords(interval: readonly (number | null)[] | null | undefined): string {
  const [low, high] = interval ?? [];
  if (typeof low === 'number' && typeof high === 'number') return `${format.rate(low)} to ${format.rate(high)}`;
  if (typeof low === 'number') return `${format.rate(low)} or more`;
  if (typeof high === 'number') return `${format.rate(high)} or less`;
  return format.NOTHING;
}

/** A sentence of the controller's that may begin with a rule, which keeps its letters. */
export function sentence(text: string): string {
  const first = /^[a-z]+ /.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
