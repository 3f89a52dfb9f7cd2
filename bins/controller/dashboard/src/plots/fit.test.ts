// Checks that a view stands still while a run grows, and holds all of it.
import { fitted } from './fit';

describe('a view', () => {
  it('is exact of what does not grow', () => {
    expect(fitted([0, 60], null)).toEqual([0, 60]);
    expect(fitted([0, 60], [0, 60])).toEqual([0, 60]);
    expect(fitted([0, 60], [0, 3600])).toEqual([0, 60]);
    expect(fitted([0, 3600], [0, 60])).toEqual([0, 3600]);
    expect(fitted([300, 600], [0, 600])).toEqual([300, 600]);
  });

  it.each([['grows', 0], ['slides', 300]])('holds a time that %s, and seldom moves', (_, span) => {
    let view: [number, number] | null = null;
    let moves = 0;
    for (let to = 600; to <= 1200; to += 1) {
      const domain: [number, number] = [span === 0 ? 0 : to - span, to];
      const next: [number, number] = fitted(domain, view);
      if (view && next !== view) moves += 1;
      view = next;
      expect(view[1]).toBeGreaterThanOrEqual(to);
      expect(view[1] - to).toBeLessThanOrEqual(0.05 * (domain[1] - domain[0]));
      expect(view[1] - view[0]).toBeGreaterThanOrEqual(domain[1] - domain[0]);
    }
    expect(moves).toBeLessThan(60);
    expect(moves).toBeGreaterThan(5);
  });
});
