// Proves the order of a list of runs, and that each stands in it once.
import { inOrder, readOrder, rowsOf, tagsIn, writeOrder } from './run-list';
import type { Run } from './types';

const run = (id: string, more: object = {}): Run => ({ id, state: 'COMPLETED', createdAt: '2026-01-01T00:00:00Z', scenario: { name: id }, summary: null, ...more }) as Run;
const ids = (runs: readonly Run[]) => runs.map(({ id }) => id).join('');

test('an order is read as it was written, and nonsense is none', () => {
  expect(readOrder('-p99')).toEqual({ by: 'p99', down: true });
  expect(readOrder('name')).toEqual({ by: 'name', down: false });
  for (const text of [undefined, '', '-', 'toString', '--p99', 'p98']) expect(readOrder(text)).toBeNull();
  expect(writeOrder({ by: 'p99', down: true })).toBe('-p99');
});

test('what does not exist comes last both ways, and equals stay as they were', () => {
  const runs = [run('a'), run('b', { summary: { p99Ms: 5 } }), run('c', { summary: { p99Ms: 9 } }), run('d', { summary: { p99Ms: null } }), run('e', { summary: { p99Ms: 5 } })];
  expect(ids(inOrder(runs, { by: 'p99', down: false }))).toBe('becad');
  expect(ids(inOrder(runs, { by: 'p99', down: true }))).toBe('cbead');
  expect(ids(inOrder(runs, null))).toBe('abcde');
  expect(ids(runs)).toBe('abcde');
});

test('states, verdicts and rules are in an order that people mean', () => {
  const runs = [run('a', { state: 'COMPLETED' }), run('b', { state: 'FAILED' }), run('c', { state: 'RUNNING' })];
  expect(ids(inOrder(runs, { by: 'state', down: false }))).toBe('cba');
  const judged = [run('a', { summary: { verdict: 'VALID' } }), run('b', { summary: { verdict: 'INVALID' } }), run('c', { summary: { verdict: null } })];
  expect(ids(inOrder(judged, { by: 'verdict', down: false }))).toBe('bac');
  const ruled = [run('a', { summary: { slaPassed: null, slaViolated: 0 } }), run('b', { summary: { slaPassed: false, slaViolated: 2 } }), run('c', { summary: { slaPassed: true, slaViolated: 0 } })];
  expect(ids(inOrder(ruled, { by: 'sla', down: true }))).toBe('bca');
});

test('each run stands once, as it was heard of last', () => {
  const old = run('b', { state: 'RUNNING' });
  const rows = rowsOf([{ items: [run('c'), old] }, { items: [old, run('a')] }], [run('b', { state: 'STOPPING' }), run('z')]);
  expect(ids(rows)).toBe('cba');
  expect(rows[1]?.state).toBe('STOPPING');
});

test('tags stand once, in order', () => {
  expect(tagsIn([{ tags: ['shop', 'a'] }, {}, { tags: null }, { tags: ['shop'] }])).toEqual(['a', 'shop']);
});
