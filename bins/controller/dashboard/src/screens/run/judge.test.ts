import { describe, expect, it } from 'vitest';
import type { Finding, SlaOutcome, Totals } from '../../api/types';
import { evidenceOf, measurement, nextStep, promises, sentence, target } from './judge';

const rule = (over: Partial<SlaOutcome> = {}): SlaOutcome => ({ rule: 'p99<50ms', passed: true, actual: 12, unit: 'ms', ...over });
const finding = (over: Partial<Finding> = {}): Finding => ({
  kind: 'saturation', severity: 'critical', confidence: 0.99, fromSecond: 1, toSecond: 2, request: null, evidence: {}, witnesses: [], explanation: 'the target takes about 300/s', nextStep: 'run it at 270/s', ...over,
});
const reason = (verdict: string) => ({ kind: 'pacer_late', verdict, figure: 3, limit: 1, unit: '%', explanation: 'it was late', remedy: 'lower the rate' });
const totals = (over: object = {}) =>
  ({ validity: { verdict: 'VALID', reasons: [] }, complete: true, arrivals: { unknown: 0 }, generator: { lostWorkers: [] }, interrupted: false, bottlenecks: [], sla: [], errors: {}, totalRequests: 10, outcomes: { ok: 10, failed: 0 }, ...over }) as unknown as Totals;

describe('what was promised', () => {
  it('is kept, broken, or was nothing', () => {
    expect(promises([], false)).toMatchObject({ tone: 'neutral', word: 'No rules' });
    expect(promises([rule(), rule()], true)).toMatchObject({ tone: 'good', says: 'All 2 SLA rules hold so far.' });
    expect(promises([rule(), rule({ passed: false, actual: 480 })], false)).toMatchObject({ tone: 'bad', says: 'p99<50ms of 2 rules does not hold: it is 480 ms.' });
    expect(promises([rule({ passed: false }), rule({ passed: false })], false)).toMatchObject({ word: '2 violated' });
  });

  it('says nothing of a figure that there is not', () => {
    expect(promises([rule({ passed: false, actual: null })], false).says).toBe('p99<50ms does not hold.');
  });
});

describe('the target', () => {
  it('is told by its most important finding', () => {
    expect(target(totals({ bottlenecks: [finding(), finding({ kind: 'queueing' })] }), true)).toEqual({ tone: 'bad', word: 'Saturation', says: 'The target takes about 300/s.' });
    expect(target(totals(), true).says).toContain('so far');
    expect(target(totals({ bottlenecks: [finding({ severity: 'unheard of' as 'info' })] }), true).tone).toBe('neutral');
  });

  it('is not well where requests fail, and not known where there were none', () => {
    const failing = { totalRequests: 10, outcomes: { ok: 0, failed: 10 }, errors: { connect_refused: 10 }, errorExamples: { connect_refused: 'connection refused' } };
    expect(target(totals({ ...failing, bottlenecks: [finding()] }), false)).toEqual({ tone: 'bad', word: '100% failed', says: 'Most of them as `connect_refused`, for example: Connection refused.' });
    expect(target(totals({ totalRequests: 0, outcomes: { ok: 0, failed: 0 } }), false)).toMatchObject({ tone: 'neutral', word: 'Not known' });
  });
});

describe('the measurement', () => {
  it('is trusted, or the worst reason says why not', () => {
    expect(measurement(totals()).word).toBe('Valid');
    expect(measurement(totals({ validity: { verdict: 'INVALID', reasons: [reason('DEGRADED'), { ...reason('INVALID'), explanation: 'it stood still' }] } }))).toMatchObject({ tone: 'bad', says: 'It stood still.' });
    expect(measurement(totals({ validity: {} })).tone).toBe('neutral');
  });

  it('says first that something is unknown', () => {
    expect(measurement(totals({ complete: false, arrivals: { unknown: 120 }, generator: { lostWorkers: ['a'] } })).says).toBe('Of 120 requests nobody knows what became of them: 1 worker was lost.');
  });
});

describe('the next step', () => {
  it('is to measure again where nothing can be concluded, whatever was found', () => {
    expect(nextStep(totals({ validity: { verdict: 'INVALID', reasons: [reason('INVALID')] }, bottlenecks: [finding()] }), false).part).toBe('measurement');
    expect(nextStep(totals({ complete: false, bottlenecks: [finding()] }), false).part).toBe('measurement');
  });

  it('follows the findings, then the rules, then the measurement', () => {
    expect(nextStep(totals({ bottlenecks: [finding()], sla: [rule({ passed: false })] }), false)).toEqual({ part: 'findings', says: 'Run it at 270/s.' });
    expect(nextStep(totals({ bottlenecks: [finding({ severity: 'info' })], sla: [rule({ passed: false })] }), false).part).toBe('rules');
    expect(nextStep(totals({ validity: { verdict: 'DEGRADED', reasons: [reason('DEGRADED')] } }), false).says).toBe('Lower the rate.');
    expect(nextStep(totals({ totalRequests: 5, outcomes: { ok: 0, failed: 5 } }), false).part).toBe('outcome');
    expect(nextStep(totals({ totalRequests: 100, outcomes: { ok: 90, failed: 10 }, errors: { reset: 3, http_5xx: 7 }, sla: [rule({ passed: false })] }), false).says).toContain('10% of the requests failed, most of them as `http_5xx`');
    });

  it('goes on from a run that is well', () => {
    expect(nextStep(totals({ sla: [rule()] }), true).part).toBe('plots');
    expect(nextStep(totals(), false).part).toBe('editor');
    expect(nextStep(totals({ sla: [rule()] }), false).part).toBe('capacity');
  });
});

describe('evidence', () => {
  it('has names that people read, and units', () => {
    expect(evidenceOf({ medianBeforeMs: 11.8, capacityRps: 300, slowShare: 0.07, waitSeconds: 17.06, contention: 0.4283, rates: [1, 2], other: null })).toEqual([
      ['Median before', '11.8 ms'], ['Capacity', '300/s'], ['Slow share', '7%'], ['Wait', '17.06 s'], ['Contention', '0.4283'], ['Rates', '1, 2'], ['Other', '–'],
    ]);
  });
});

describe('a sentence of the controller’s', () => {
  it('begins great, ends in a stop, and has names without ids', () => {
    expect(sentence('worker eu-3 (w.ERUEMTkBLnJdMTMbWC001iMNPkz1t1Q0qDLoaFy51tQ) was lost (its lease was over)')).toBe('Worker eu-3 was lost (its lease was over).');
    expect(sentence('Stopped.')).toBe('Stopped.');
  });
});
