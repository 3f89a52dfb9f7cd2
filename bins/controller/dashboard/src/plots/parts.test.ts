// Checks what plots make of what they are given, before anything is painted.
import { shade } from './heat';
import { movePoint, tidy } from './profile';
import { gathered } from './StackedPlot';
import { statusColour } from './Bars';

describe('layers', () => {
  it('are at most eight; the smallest are one', () => {
    const layers = Array.from({ length: 40 }, (_, n) => ({ label: `class ${n}`, y: [n, 1] }));
    const seen = gathered(layers);
    expect(seen).toHaveLength(8);
    expect(seen.slice(0, 7).map(({ label }) => label)).toEqual([33, 34, 35, 36, 37, 38, 39].map((n) => `class ${n}`));
    const sum = (list: typeof layers, row: number) => list.reduce((all, { y }) => all + y[row]!, 0);
    for (const row of [0, 1]) expect(sum(seen as typeof layers, row)).toBe(sum(layers, row));
    expect(gathered(layers.slice(0, 8))).toHaveLength(8);
  });
});

describe('a profile', () => {
  const points = [{ second: 0, rps: 10, fixedTime: true }, { second: 30, rps: 50 }, { second: 60, rps: 10, fixedRate: true }];
  const limits = { mostSeconds: 60, mostRps: 1000 };

  it('keeps its points in their order and within what is allowed', () => {
    expect(movePoint(points, 1, { second: 90, rps: 5000 }, limits)[1]).toMatchObject({ second: 60, rps: 1000 });
    expect(movePoint(points, 1, { second: -4, rps: -4 }, limits)[1]).toMatchObject({ second: 0, rps: 0 });
    expect(movePoint(points, 0, { second: 9, rps: 20 }, limits)[0]).toMatchObject({ second: 0, rps: 20 });
    expect(movePoint(points, 2, { second: 50, rps: 20 }, limits)[2]).toMatchObject({ second: 50, rps: 10 });
    expect(points[1]).toEqual({ second: 30, rps: 50 });
  });

  it('has numbers that people would have written', () => {
    expect([tidy(433.7, 2.3), tidy(0.0432, 0.001), tidy(61_234, 100), tidy(12, 1), tidy(0, 1)]).toEqual([434, 0.043, 61_200, 12, 0]);
  });
});

describe('shades', () => {
  it('tell shares apart by their logarithm', () => {
    expect([1, 0.1, 0.001, 0.000001].map((share) => Number(shade(share).toFixed(3)))).toEqual([1, 0.667, 0, 0]);
  });
});

describe('statuses', () => {
  it('have the colour of what they mean', () => {
    expect(['200', '302', '404', '503', '0'].map(statusColour)).toEqual(['series-1', 'series-4', 'series-2', 'series-3', 'series-8']);
  });
});
