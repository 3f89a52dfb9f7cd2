// Holds what a search's trials come to, and what is asked for one.
import { boundsAfter, outcomeOf, type Trial } from './trials';
import { intervalWords, limitWords, orderOf, ruleOf, sentence } from './words';

const trial = (rate: number, held: boolean, over: Partial<Trial> = {}): Trial => ({
  rate, held, fromSecond: 0, toSecond: 1, due: 1, ok: 1, achievedRps: rate, figure: 1, unit: 'ms', reason: null, verdict: 'VALID', causes: [], byGenerator: false, counted: true, ...over,
});

test('bounds come closer with each trial that counts', () => {
  const bounds = boundsAfter([trial(100, true), trial(400, false), trial(300, false, { counted: false }), trial(200, true), trial(250, false)]);
  expect(bounds).toEqual([
    { held: 100, failed: null },
    { held: 100, failed: 400 },
    { held: 100, failed: 400 },
    { held: 200, failed: 400 },
    { held: 200, failed: 250 },
  ]);
});

test('a failure below a rate that held later is no bound', () => {
  expect(boundsAfter([trial(100, false), trial(200, true)]).at(-1)).toEqual({ held: 200, failed: null });
  expect(boundsAfter([])).toEqual([]);
});

test('whose fault a trial is', () => {
  expect([trial(1, true), trial(1, false), trial(1, false, { byGenerator: true, counted: false }), trial(1, true, { counted: false })].map(outcomeOf)).toEqual(['held', 'failed', 'generator', 'uncounted']);
});

test('an order has the rule with its unit, and a scenario of its own where a URL was given', () => {
  const form = { scenarioId: '', url: ' http://127.0.0.1:8081/a ', statistic: 'error_rate', bound: ' 1 ', maxRate: '500', minutes: '4' };
  expect(orderOf(form)).toEqual({ scenario: { name: 'Capacity of 127.0.0.1:8081', targetUrl: 'http://127.0.0.1:8081/a', durationSeconds: 240 }, slo: 'error_rate<1%', maxRate: 500, durationSeconds: 240 });
  expect(orderOf({ ...form, scenarioId: 'x' })).toEqual({ scenarioId: 'x', slo: 'error_rate<1%', maxRate: 500, durationSeconds: 240 });
  expect(ruleOf('ok_p99', '50')).toBe('ok_p99<50ms');
});

test('what is not known is a dash', () => {
  expect([intervalWords([100, 120]), intervalWords([22.01, null]), intervalWords([null, 40]), intervalWords(null), intervalWords([null, null])]).toEqual(['100/s to 120/s', '22/s or more', '40/s or less', '–', '–']);
  expect([limitWords('slo'), limitWords(null), limitWords('the_moon')]).toEqual(['Objective', '–', 'The moon']);
});

test('a sentence begins with a capital, unless with a rule', () => {
  expect([sentence('no rate held'), sentence('ok_p99<50ms holds up to 41/s'), sentence('p99<1s holds.')]).toEqual(['No rate held.', 'ok_p99<50ms holds up to 41/s.', 'p99<1s holds.']);
});
