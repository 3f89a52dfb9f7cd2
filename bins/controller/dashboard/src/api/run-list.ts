// Turns the runs that were loaded into the rows of a list: which come first, what of them is fresh.
import type { Run } from './types';

export type Column = 'name' | 'state' | 'verdict' | 'rate' | 'p99' | 'errors' | 'sla' | 'finding' | 'when';

/** By which column; without one, as the controller lists them, the newest first. */
export interface Order {
  by: Column;
  down: boolean;
}

type Value = number | string | null;

const VERDICTS = ['INVALID', 'DEGRADED', 'VALID'];
const STATES = ['RUNNING', 'PAUSED', 'STOPPING', 'STARTING', 'PREPARING', 'QUEUED', 'FAILED', 'ABORTED', 'COMPLETED'];
const place = (order: string[], word: string | null | undefined): number | null => (word ? order.indexOf(word) : null);

const VALUES: Record<Column, (run: Run) => Value> = {
  name: ({ scenario }) => scenario.name.toLowerCase(),
  state: ({ state }) => place(STATES, state),
  verdict: ({ summary }) => place(VERDICTS, summary?.verdict),
  rate: ({ summary }) => summary?.achievedRps ?? null,
  p99: ({ summary }) => summary?.p99Ms ?? null,
  errors: ({ summary }) => (typeof summary?.successRate === 'number' ? 100 - summary.successRate : null),
  // Passed before violated, and the more are violated the later.
  sla: ({ summary }) => (typeof summary?.slaPassed === 'boolean' ? summary.slaViolated : null),
  finding: ({ summary }) => summary?.finding ?? null,
  when: ({ createdAt }) => Date.parse(createdAt) || null,
};

const isColumn = (name: string): name is Column => Object.hasOwn(VALUES, name);

/** `p99` is upwards, `-p99` downwards; anything else is no order. */
export function readOrder(text: string | undefined): Order | null {
  const down = text?.startsWith('-') ?? false;
  const by = text?.slice(down ? 1 : 0) ?? '';
  return isColumn(by) ? { by, down } : null;
}

export const writeOrder = ({ by, down }: Order): string => `${down ? '-' : ''}${by}`;

const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0);

/** In order. What does not exist comes last, upwards and downwards; equals stay as they were. */
export function inOrder(runs: readonly Run[], order: Order | null): readonly Run[] {
  if (!order) return runs;
  const value = VALUES[order.by];
  const sign = order.down ? -1 : 1;
  return runs
    .map((run) => ({ run, key: value(run) }))
    .sort((a, b) => (a.key === null ? (b.key === null ? 0 : 1) : b.key === null ? -1 : sign * compare(a.key, b.key)))
    .map(({ run }) => run);
}

/** Each run once, the freshest of what is known of it: pages that were loaded at different times overlap. */
export function rowsOf(pages: readonly { items: readonly Run[] }[], fresh: readonly Run[]): Run[] {
  const newest = new Map(fresh.map((run) => [run.id, run]));
  const seen = new Map<string, Run>();
  for (const { items } of pages) for (const run of items) if (!seen.has(run.id)) seen.set(run.id, newest.get(run.id) ?? run);
  return [...seen.values()];
}

/** The tags of all that is loaded, each once, in alphabetical order. */
export const tagsIn = (scenarios: readonly { tags?: string[] | null }[]): string[] =>
  [...new Set(scenarios.flatMap(({ tags }) => tags ?? []))].sort((a, b) => a.localeCompare(b));
