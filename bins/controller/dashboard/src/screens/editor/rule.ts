// Turns an SLA rule into what people choose and type, and back: `ok_p99{checkout}<250ms` is a metric, a request, a comparison and a bound.
import { isObject, type Doc, type Json } from './document';

export interface Rule {
  metric: string;
  /** Of the mix; empty: of all. */
  request: string;
  comparison: '<' | '<=' | '>' | '>=';
  value: string;
  unit: string;
}

export const METRICS: readonly (readonly [metric: string, label: string])[] = [
  ['ok_p50', 'p50 of ok requests'],
  ['ok_p95', 'p95 of ok requests'],
  ['ok_p99', 'p99 of ok requests'],
  ['ok_p99.9', 'p99.9 of ok requests'],
  ['ok_mean', 'Mean of ok requests'],
  ['ok_max', 'Maximum of ok requests'],
  ['error_rate', 'Failed requests'],
  ['ok_rps', 'Rate of ok requests'],
  ['achieved_rate', 'Achieved of what was due'],
  ['dropped_rate', 'Dropped of what was due'],
  ['share{5xx}', 'Replies with 5xx'],
  ['share{429}', 'Replies with 429'],
  ['p99', 'p99 of all, failed too'],
  ['rps', 'Rate of all, failed too'],
  ['service_p99', 'p99 of service time'],
];
export const COMPARISONS = [['<', 'below'], ['<=', 'at most'], ['>', 'above'], ['>=', 'at least']] as const;

const METRIC = /^(?:(?:ok_|service_)?(?:p\d+(?:\.\d+)?|min|mean|max)|ok_rps|rps|error_rate|achieved_rate|dropped_rate|share\{[A-Za-z0-9_]+\})$/;
export const TIME_UNITS = ['ms', 's', 'us', 'm'] as const;

/** The units in which a metric is bounded; the first is the usual one. */
export const unitsOf = (metric: string): readonly string[] => (/rps$/.test(metric) ? ['/s'] : /_rate$|^share/.test(metric) ? ['%'] : TIME_UNITS);

/** Null for a text that is none, or has more than rows show. */
export function ruleOf(written: string): Rule | null {
  const found = /^\s*(share\s*\{[^}]*\}|[a-z_0-9.]+)\s*(?:\{(.*)\})?\s*(<=|>=|<|>)\s*([\d._]*)\s*([a-z%/]*)\s*$/.exec(written);
  if (!found) return null;
  const metric = found[1]!.replaceAll(/\s/g, '');
  if (!METRIC.test(metric)) return null;
  const [usual, ...others] = unitsOf(metric);
  const given = found[5]!;
  // A rate stands without its unit.
  const unit = given === '' && usual === '/s' ? '/s' : given;
  if (unit !== usual && !others.includes(unit)) return null;
  return { metric, request: found[2] ?? '', comparison: found[3] as Rule['comparison'], value: found[4]!, unit };
}

export const textOf = ({ metric, request, comparison, value, unit }: Rule): string => `${metric}${request === '' ? '' : `{${request}}`}${comparison}${value}${unit === '/s' ? '' : unit}`;

/** A rule of another metric: its bound stays where it is of the same kind. */
export function withMetric(rule: Rule, metric: string): Rule {
  const [before, after] = [unitsOf(rule.metric)[0], unitsOf(metric)[0]];
  if (before === after) return { ...rule, metric };
  const isFloor = after === '/s' || metric === 'achieved_rate';
  return { ...rule, metric, comparison: isFloor ? '>=' : '<', value: after === 'ms' ? '250' : after === '/s' ? '100' : metric === 'achieved_rate' ? '99' : '1', unit: after! };
}

/** An entry of `sla` as its rule and what stands beside that; null where it is neither text nor object. */
export function entryOf(entry: Json): { rule: string; windowSeconds?: Json; forSeconds?: Json; abort?: Json } | null {
  if (typeof entry === 'string') return { rule: entry };
  return isObject(entry) && typeof entry.rule === 'string' ? (entry as { rule: string }) : null;
}

/** The entry with another value; a text again where nothing stands beside the rule. */
export function withValue(entry: Json, key: 'rule' | 'windowSeconds' | 'forSeconds' | 'abort', value: Json | undefined): Json {
  const object: Doc = isObject(entry) ? { ...entry } : { rule: entry };
  if (value === undefined) delete object[key];
  else object[key] = value;
  const keys = Object.keys(object);
  return keys.length === 1 && keys[0] === 'rule' ? object.rule! : object;
}

export const SUGGESTED = ['ok_p99<250ms', 'error_rate<1%'] as const;
