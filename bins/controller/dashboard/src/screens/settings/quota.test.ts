// Holds what limits are told, and what is asked for.
import type { Quota } from '../../api/types';
import { LIMITS, limitsOf, textsOf, usedShare } from './quota';

const NONE = { maxRate: null, maxDurationSeconds: null, maxConnections: null, maxConcurrentRuns: null, maxBodyBytes: null };
const quota = (limits: object): Quota => ({ user: 'ann', limits: { ...NONE, ...limits }, own: null, used: { rate: 250, connections: 10, concurrentRuns: 3 } });
const [rate, , runs, length] = LIMITS;

test('what is used is a share of the limit, and none where there is no limit', () => {
  expect(usedShare(rate!, quota({ maxRate: 500 }))).toBe(0.5);
  expect(usedShare(runs!, quota({ maxConcurrentRuns: 2 }))).toBe(1);
  expect(usedShare(rate!, quota({ maxRate: 0 }))).toBe(1);
  expect(usedShare(rate!, quota({}))).toBeNull();
  expect(usedShare(length!, quota({ maxDurationSeconds: 60 }))).toBeNull();
});

test('a form has the own limits, and gives them back', () => {
  const texts = textsOf({ ...NONE, maxRate: 500, maxConcurrentRuns: 0 });
  expect(texts).toMatchObject({ maxRate: '500', maxConcurrentRuns: '0', maxBodyBytes: '' });
  expect(limitsOf(texts)).toEqual({ ...NONE, maxRate: 500, maxConcurrentRuns: 0 });
  expect(limitsOf({ ...texts, maxRate: 'many' })).toMatchObject({ maxRate: 'many' });
});
