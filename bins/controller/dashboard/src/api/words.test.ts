// Proves what people read of scenarios, runs and workers.
import type { Realtime, Run, Scenario, Worker } from './types';
import { fileName, lasted, loadInWords, plannedSeconds, progress, rulesOf, wellness, workerInWords, worst } from './words';

const scenario = (more: object): Scenario => ({ name: 'Shop', targetUrl: 'http://127.0.0.1:1/', durationSeconds: 60, ...more }) as Scenario;
const load = (loadProfile: object, more: object = {}) => loadInWords(scenario({ loadProfile, ...more }));

test('every profile has its words', () => {
  expect(load({ type: 'CONSTANT', initialRps: 500 })).toBe('500/s for 1 min');
  expect(load({ type: 'RAMP', initialRps: 50, targetRps: 500, rampUpSeconds: 30 })).toBe('Ramp from 50/s to 500/s in 30 s, held for 30 s');
  expect(load({ type: 'RAMP', initialRps: 50, targetRps: 500 })).toBe('Ramp from 50/s to 500/s in 1 min');
  expect(load({ type: 'SPIKE', initialRps: 100, targetRps: 2000 })).toBe('100/s for 1 min, a spike to 2,000/s of 6 s after 30 s');
  expect(load({ type: 'SPIKE', initialRps: 100, targetRps: 2000, spikeStartSecond: 0, spikeDurationSeconds: 3 })).toBe('100/s for 1 min, a spike to 2,000/s of 3 s');
  expect(load({ type: 'BURST', initialRps: 100, bursts: [{ startSecond: 1, durationSeconds: 1, rps: 700 }, { startSecond: 9, durationSeconds: 1, rps: 900 }] })).toBe('100/s for 1 min, 2 bursts of up to 900/s');
  expect(load({ type: 'BURST', initialRps: 100, bursts: [] })).toBe('100/s for 1 min, 0 bursts');
  expect(load({ type: 'SINE', initialRps: 200, amplitudeRps: 250, periodSeconds: 60 })).toBe('Waves of 0/s to 450/s, each 1 min long for 1 min');
  expect(load({ type: 'REPLAY', points: [{ second: 0, rps: 5 }, { second: 9, rps: 800 }] })).toBe('Replay of 2 points of up to 800/s for 1 min');
});

test('steps say their own length', () => {
  const steps = { type: 'STEPS', steps: [{ durationSeconds: 20, rps: 100 }, { durationSeconds: 25, rps: 900 }] };
  expect(load(steps, { durationSeconds: null })).toBe('2 steps from 100/s to 900/s for 45 s');
  expect(load({ type: 'STEPS', steps: [20, 60, 10].map((rps) => ({ durationSeconds: 10, rps })) }, { durationSeconds: null })).toBe('3 steps from 20/s to 10/s, up to 60/s for 30 s');
  expect(load({ type: 'STEPS', steps: [{ durationSeconds: 10, rps: 5 }] })).toBe('5/s for 1 min');
  expect(plannedSeconds(scenario({ durationSeconds: undefined, loadProfile: steps }))).toBe(45);
});

test('without a profile it is closed loop, and a number of requests may end it', () => {
  expect(loadInWords(scenario({}))).toBe('As fast as 64 connections allow for 1 min');
  expect(loadInWords(scenario({ durationSeconds: null, maxRequests: 1000, connections: 1 }))).toBe('As fast as 1 connection allows, at most 1,000 requests');
});

test('a profile that this page does not know is named', () => {
  expect(load({ type: 'TIDE' })).toBe('TIDE for 1 min');
});

test('rules are told without their windows', () => {
  expect(rulesOf(scenario({ sla: ['p99<1s', { rule: 'error_rate<1%', windowSeconds: 10 }] }))).toEqual(['p99<1s', 'error_rate<1%']);
  expect(rulesOf(scenario({ sla: null }))).toEqual([]);
});

const run = (more: object = {}): Run => ({ id: 'r', scenarioId: 's', state: 'RUNNING', scenario: scenario({}), createdAt: '2026-01-01T00:00:00Z', startedAt: '2026-01-01T00:00:10Z', endedAt: null, warnings: [], summary: null, ...more }) as Run;
const now = (more: object = {}): Realtime => ({ successRate: 100, currentRps: 500, offeredRps: 500, untilSecond: 15, ...more }) as Realtime;

test('the worst of a run is told', () => {
  expect(wellness(run(), now())).toEqual({ tone: 'good', says: 'It is well: the planned rate is kept' });
  expect(wellness(run(), now({ currentRps: 310 }))).toEqual({ tone: 'warning', says: 'Only 62% of the planned rate is achieved' });
  expect(wellness(run(), now({ successRate: 97 })).says).toBe('3% of requests fail');
  expect(wellness(run(), now({ successRate: 70, currentRps: 1 })).tone).toBe('bad');
  expect(wellness(run({ summary: { slaViolated: 1, successRate: 100 } }), now())).toEqual({ tone: 'bad', says: 'An SLA rule is violated' });
  expect(wellness(run({ summary: { slaViolated: 0, slaPassed: true, successRate: 100 } }), now()).says).toBe('It is well: the planned rate is kept and every SLA rule holds');
});

test('of a run of which nothing is known nothing is claimed', () => {
  expect(wellness(run(), undefined).tone).toBe('neutral');
  expect(wellness(run(), now({ successRate: null, currentRps: 0, offeredRps: null }))).toEqual({ tone: 'neutral', says: 'Nothing has been answered yet' });
  expect(wellness(run({ state: 'QUEUED', waitingFor: { what: 'its workers', until: '', leftSeconds: 1 } }), undefined).says).toBe('Waits for its workers');
  expect(wellness(run({ state: 'PAUSED' }), now()).tone).toBe('warning');
});

test('in closed loop no rate is planned that could be kept', () => {
  expect(wellness(run(), now({ offeredRps: null }))).toEqual({ tone: 'good', says: 'It is well' });
});

test('several are as well as the worst of them', () => {
  expect(worst([{ tone: 'good', says: 'a' }, { tone: 'bad', says: 'b' }, { tone: 'warning', says: 'c' }])?.says).toBe('b');
  expect(worst([])).toBeNull();
});

test('a run is as far as its measured time is', () => {
  expect(progress(run(), now())).toBe(0.25);
  expect(progress(run(), now({ untilSecond: 70 }))).toBe(1);
  expect(progress(run(), undefined)).toBeNull();
  expect(progress(run({ scenario: scenario({ durationSeconds: null, maxRequests: 5 }) }), now())).toBeNull();
});

test('it lasted from its start to its end, and by a wrong clock never less than nothing', () => {
  const at = (time: string) => Date.parse(time);
  expect(lasted(run(), at('2026-01-01T00:00:40Z'))).toBe(30);
  expect(lasted(run(), at('2025-01-01T00:00:40Z'))).toBe(0);
  expect(lasted(run({ startedAt: null }))).toBeNull();
  expect(lasted(run({ endedAt: '2026-01-01T00:01:10Z', summary: { durationSeconds: 55 } }))).toBe(55);
  expect(lasted(run({ endedAt: '2026-01-01T00:01:10Z' }))).toBe(60);
});

const worker = (more: object = {}): Worker => ({ alive: true, compatible: true, draining: false, task: null, clockErrorMs: 0.1, ...more }) as Worker;

test('a worker says what matters most', () => {
  expect(workerInWords(worker())).toEqual({ tone: 'good', says: 'Free' });
  expect(workerInWords(worker({ task: 'running' })).says).toBe('Makes load');
  expect(workerInWords(worker({ alive: false, draining: true, task: 'running' })).tone).toBe('bad');
  expect(workerInWords(worker({ compatible: false })).says).toBe('Of another version: gets no tasks');
  expect(workerInWords(worker({ clockErrorMs: 312.5, task: 'running' })).says).toBe('Its clock is uncertain by 313 ms');
  expect(workerInWords(worker({ task: 'dreaming' })).says).toBe('dreaming');
});

test('a name becomes a file name', () => {
  expect(fileName('Shop: nightly / EU')).toBe('shop-nightly-eu');
  expect(fileName('<b>../../x</b>')).toBe('b-..-..-x-b');
  expect(fileName('测试')).toBe('scenario');
});
