import { describe, expect, it } from 'vitest';
import { RunData } from '../../live/run-data';
import { figuresOf } from './figures';
import { plannedOf } from './planned';

const frame = (seq: number, second: number, ok: number, failed: number, dropped = 0) => ({
  seq,
  type: 'interval',
  data: { second, due: ok + failed, sent: ok + failed, ok, failed, dropped, backlog: second, unknown: 0, p50Ms: null, p95Ms: null, p99Ms: null, maxMs: null, distribution: null, rps: ok + failed, offeredRps: 100, statusCodes: {}, errors: {}, inFlight: 3, activeWorkers: 1, state: 'RUNNING', requests: [], workers: [] },
});
const NOTHING_PLANNED = plannedOf(null, []);

describe('the headline’s figures', () => {
  it('are of the last ten seconds, and dropped and requests of the whole run', () => {
    const data = new RunData();
    for (let second = 0; second < 30; second += 1) data.addFrame(frame(second + 1, second, second < 20 ? 10 : 45, second < 20 ? 90 : 5, 2));
    expect(figuresOf(data, NOTHING_PLANNED)).toMatchObject({ seconds: 10, achievedRps: 50, plannedRps: 100, errorRate: 10, inFlight: 3, backlog: 29, dropped: 60, requests: 2500 });
  });

  it('are of what there is in a young run, and nothing in one that has not begun', () => {
    const data = new RunData();
    expect(figuresOf(data, NOTHING_PLANNED)).toMatchObject({ seconds: 0, achievedRps: null, errorRate: null, inFlight: null, dropped: 0, plannedRps: null });
    data.addFrame(frame(1, 0, 0, 0));
    expect(figuresOf(data, NOTHING_PLANNED)).toMatchObject({ seconds: 1, achievedRps: 0, errorRate: null });
  });
});
