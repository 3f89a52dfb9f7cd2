// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { Exact, exactOf } from './hdr';

/** Of a run of forty requests, with the percentiles that the controller told of it. */
const HDR = 'HISTFAAAAHx4nJNpmSzMwMAQwQABzFDqBQMDs5vBjgUM9h8gIlcdmT4zMVUzhTJxM31lYipn4mTyZApnOsnIlMi0n5FJmimTSZZJkMmUiZNJnamUKZoplInJlimRqZApmGkvI5MqEyfTX0aWWqaVTEyvGZnEmbyZFjIzHWZjAgBRcBYw';
const TOLD = { 0.5: 9.388031, 0.75: 13.082623, 0.9: 17.039359, 0.95: 17.891327, 0.99: 28.196863, 1: 28.196863 };

describe('a histogram in HdrHistogram’s encoding', () => {
  it('has the quantiles that the result tells, to the last digit', async () => {
    const curve = (await exactOf({ hdr: HDR }))!;
    expect(curve.total).toBe(40);
    for (const [q, ms] of Object.entries(TOLD)) expect(curve.quantile(Number(q))).toBeCloseTo(ms, 6);
  });

  it('counts what lies above its range as the greatest', async () => {
    const curve = (await exactOf({ hdr: HDR, aboveRange: { count: 2, maxNs: 4e12, sumNs: 8e12 } }))!;
    expect(curve.total).toBe(42);
    expect(curve.quantile(1)).toBe(4e6);
    expect(curve.quantile(0.5)).toBeCloseTo(9.99, 0);
  });

  it('is null where it is damaged or none', async () => {
    expect(await exactOf(null)).toBeNull();
    expect(await exactOf({ hdr: 'no base64!' })).toBeNull();
    expect(await exactOf({ hdr: btoa('something else altogether') })).toBeNull();
    expect(await exactOf({ hdr: HDR.slice(0, 60) })).toBeNull();
  });

  it('has no quantile where there is nothing', () => {
    expect(new Exact([]).quantile(0.5)).toBeNull();
  });
});
