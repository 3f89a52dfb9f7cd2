// Proves which rows of a long list are drawn.
import { rowsInSight } from './rows-in-sight';

test('all of a short list are drawn', () => {
  expect(rowsInSight(300, 48, 900, 10)).toEqual({ from: 0, to: 10 });
  expect(rowsInSight(300, 48, 900, 0)).toEqual({ from: 0, to: 0 });
});

test('of a long one those in sight and a few beyond, wherever it was scrolled to', () => {
  for (const scrolled of [0, 1, 479, 48_000, 200_000]) {
    const { from, to } = rowsInSight(-scrolled, 48, 900, 5_000);
    const [first, last] = [Math.floor(scrolled / 48), Math.ceil((scrolled + 900) / 48)];
    expect(from).toBeLessThanOrEqual(first);
    expect(to).toBeGreaterThanOrEqual(Math.min(last, 5_000));
    expect(to - from).toBeLessThan(70);
  }
});

test('scrolled past its end it draws none', () => {
  const { from, to } = rowsInSight(-500_000, 48, 900, 5_000);
  expect(from).toBe(5_000);
  expect(to).toBe(5_000);
});

test('a little scrolling draws the same rows', () => {
  expect(rowsInSight(-48_010, 48, 900, 5_000)).toEqual(rowsInSight(-48_030, 48, 900, 5_000));
});
