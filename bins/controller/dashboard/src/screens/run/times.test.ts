import { describe, expect, it } from 'vitest';
import { differenceInWords, kneeOf } from './times';

const times = (p99Ms: number | null) => ({ minMs: null, meanMs: null, stdevMs: null, p50Ms: null, p75Ms: null, p90Ms: null, p95Ms: null, p99Ms, p999Ms: null, p9999Ms: null, maxMs: null });

describe('response time and service time', () => {
  it('are alike, or differ by what users would have waited', () => {
    expect(differenceInWords({ latency: times(10), serviceTime: times(9.8) })).toContain('alike (p99 10 ms and 9.8 ms)');
    expect(differenceInWords({ latency: times(2), serviceTime: times(1.2) })).toContain('alike');
    expect(differenceInWords({ latency: times(1200), serviceTime: times(40) })).toContain('The difference, 1.16 s,');
    expect(differenceInWords({ latency: times(null), serviceTime: times(null) })).not.toContain('–');
  });
});

describe('the knee', () => {
  it('is what a finding names, else where the first rule broke', () => {
    const headroom = [{ rule: 'p99<1s', failedAtRps: 330 }, { rule: 'p50<10ms', failedAtRps: 310 }, { rule: 'rps>1', failedAtRps: null }];
    expect(kneeOf({ bottlenecks: [{ kind: 'saturation', evidence: { capacityRps: 300 } }], headroom })?.rps).toBe(300);
    expect(kneeOf({ bottlenecks: [{ kind: 'rate_limited', evidence: { limitRps: 200 } }], headroom: [] })?.rps).toBe(200);
    expect(kneeOf({ bottlenecks: [{ kind: 'saturation', evidence: { capacityRps: 'much' } }], headroom })).toMatchObject({ rps: 310, says: 'p50<10ms does not hold from here on' });
    expect(kneeOf({ bottlenecks: [], headroom: [] })).toBeNull();
  });
});
