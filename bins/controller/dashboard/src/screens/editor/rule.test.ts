// Proves that rules become rows and rows rules, and that what rows do not show stays as it is.
import { METRICS, ruleOf, SUGGESTED, textOf, unitsOf, withMetric, withValue } from './rule';

describe('a rule', () => {
  it('comes back as it was', () => {
    for (const rule of ['ok_p99<250ms', 'ok_p99.9<1s', 'error_rate<=0.1%', 'p99{check out}<1s', 'share{503}<0.1%', 'share{5xx}{cart}<1%', 'ok_rps>=1000', 'achieved_rate>=99%', 'service_mean<40ms', ...SUGGESTED]) {
      expect(textOf(ruleOf(rule)!)).toBe(rule);
    }
  });

  it('is taken apart', () => {
    expect(ruleOf(' share{503}{a<b} <= 0.1 % ')).toEqual({ metric: 'share{503}', request: 'a<b', comparison: '<=', value: '0.1', unit: '%' });
  });

  it('may lack its bound while it is typed', () => {
    expect(ruleOf('ok_p99<ms')).toMatchObject({ value: '', unit: 'ms' });
  });

  it('is a text where it is another thing', () => {
    for (const text of ['', 'p99', 'foo<1ms', 'p99<5%', 'p99<250', 'error_rate<5', 'p99<x', 'p99==5ms']) expect(ruleOf(text)).toBeNull();
  });

  it('of each metric on offer can be read', () => {
    for (const [metric] of METRICS) {
      const rule = withMetric(ruleOf('ok_p99<250ms')!, metric);
      expect(unitsOf(metric)).toContain(rule.unit);
      expect(ruleOf(textOf(rule))).toEqual(rule);
    }
  });

  it('keeps its bound where the new metric is of the same kind', () => {
    expect(textOf(withMetric(ruleOf('ok_p99{a}<40ms')!, 'ok_p50'))).toBe('ok_p50{a}<40ms');
    expect(textOf(withMetric(ruleOf('ok_p99<40ms')!, 'ok_rps'))).toBe('ok_rps>=100');
  });
});

describe('an entry', () => {
  it('becomes an object where something stands beside the rule, and a text again where nothing does', () => {
    const windowed = withValue('p99<1s', 'windowSeconds', 5);
    expect(windowed).toEqual({ rule: 'p99<1s', windowSeconds: 5 });
    expect(withValue(windowed, 'rule', 'p50<1s')).toEqual({ rule: 'p50<1s', windowSeconds: 5 });
    expect(withValue(windowed, 'windowSeconds', undefined)).toBe('p99<1s');
    expect(withValue({ rule: 'p99<1s', other: 1 }, 'abort', undefined)).toEqual({ rule: 'p99<1s', other: 1 });
  });
});
