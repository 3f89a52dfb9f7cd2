import { describe, expect, it } from 'vitest';
import { spreadOf, thinned } from './courses';

describe('short courses', () => {
  it('are the means of equal parts, each value in one of them', () => {
    expect(thinned([1, 3, 5, 7], 2)).toEqual([2, 6]);
    const many = Float64Array.from({ length: 3600 }, () => 2);
    expect(thinned(many)).toEqual(Array(60).fill(2));
  });

  it('are no longer than what there is, and gaps stay gaps', () => {
    expect(thinned([1, NaN, 3])).toEqual([1, null, 3]);
    expect(thinned([NaN, NaN, 4, NaN], 2)).toEqual([null, 4]);
    expect(thinned([])).toEqual([]);
  });

  it('have a last, a least and a greatest value, or none', () => {
    expect(spreadOf([3, null, 1, 2, null])).toEqual({ last: 2, least: 1, greatest: 3 });
    expect(spreadOf([null])).toEqual({ last: null, least: null, greatest: null });
  });
});
