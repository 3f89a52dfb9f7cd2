import { describe, expect, it } from 'vitest';
import { parseChosen, parseScale } from './quantiles';

describe('the percentiles that were chosen', () => {
  it('are read in their order, and without what is none', () => {
    expect(parseChosen(['max', 'p50', 'p42', 7])).toEqual(['p50', 'max']);
  });

  it('are not read where nothing of use was kept', () => {
    for (const kept of [null, {}, [], ['p42'], 'p50']) expect(parseChosen(kept)).toBeNull();
    expect(parseScale('cubic')).toBeNull();
    expect(parseScale('log')).toBe('log');
  });
});
