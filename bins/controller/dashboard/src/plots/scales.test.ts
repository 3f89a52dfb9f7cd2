// Checks where ticks stand and what ranges hold.
import { isLong, linear, logarithmic, overPercentiles, overTime, roundStep, wantsLog } from './scales';

const ms = (value: number) => `${value} ms`;

describe('axes', () => {
  it('take steps that people count in', () => {
    expect([0.3, 1, 1.1, 2.4, 26, 700].map(roundStep)).toEqual([0.5, 1, 2, 2.5, 50, 1000]);
  });

  it('hold all values between zero and a tick above the greatest', () => {
    const axis = linear(ms);
    expect(axis.around(0, 941, 4)).toEqual([0, 1000]);
    expect(axis.around(0, 1000, 4)).toEqual([0, 1250]);
    expect(axis.ticks(0, 1000, 4)).toEqual([0, 250, 500, 750, 1000]);
    expect(axis.around(0, 0, 4)).toEqual([0, 1]);
    expect(axis.around(-3, 9, 4)[0]).toBeLessThanOrEqual(-3);
  });

  it('have no ticks between whole numbers of what is counted', () => {
    const axis = linear(ms, true);
    for (const greatest of [1, 2, 8, 9.4, 11, 26]) {
      const [from, to] = axis.around(0, greatest, 4);
      const ticks = axis.ticks(from, to, 4);
      expect(ticks.every(Number.isInteger)).toBe(true);
      expect(ticks.length).toBeGreaterThan(1);
    }
  });

  it('are the same over ranges of the same length, so that a plot does not jump', () => {
    const axis = linear(ms);
    expect(axis.around(0, 803, 4)).toEqual(axis.around(0, 951, 4));
  });

  it('hold values of all sizes where they are logarithmic', () => {
    const axis = logarithmic(ms);
    for (const [least, greatest] of [[4.1, 48], [0.001, 3.6e6], [5, 5], [0.0005, 0.0006]] as const) {
      const [from, to] = axis.around(least, greatest, 4);
      expect(axis.from(from)).toBeLessThanOrEqual(least * 1.001);
      expect(axis.from(to)).toBeGreaterThanOrEqual(greatest * 0.999);
      expect(to).toBeGreaterThan(from);
      const ticks = axis.ticks(from, to, 4);
      expect(ticks.length).toBeGreaterThan(0);
      expect(ticks.length).toBeLessThan(10);
    }
    expect(axis.to(0)).toBeNaN();
    expect(axis.text(Math.log10(0.2))).toBe('0.2 ms');
    expect(axis.around(0, 0, 4)).toEqual([0, 1]);
  });

  it('count time in seconds, minutes and hours', () => {
    expect(overTime.ticks(0, 600, 5)).toEqual([0, 120, 240, 360, 480, 600]);
    expect(overTime.ticks(100, 135, 4)).toEqual([100, 110, 120, 130]);
    expect(overTime.ticks(0, 3600, 8)).toEqual([0, 600, 1200, 1800, 2400, 3000, 3600]);
    expect(overTime.ticks(0, 604_800, 6)).toHaveLength(4);
    expect([isLong(60), isLong(600)]).toEqual([false, true]);
  });

  it('give each further nine as much room as the one before', () => {
    expect([0.9, 0.99, 0.999].map((q) => Number(overPercentiles.to(q).toFixed(9)))).toEqual([1, 2, 3]);
    expect([0, 1, 2, 3, 4].map(overPercentiles.text)).toEqual(['0%', '90%', '99%', '99.9%', '99.99%']);
    expect(overPercentiles.text(-Math.log10(0.5))).toBe('50%');
    expect(overPercentiles.ticks(0, 5, 12)).toEqual([0, -Math.log10(0.5), 1, 2, 3, 4, 5]);
    expect(overPercentiles.ticks(0, 5.6, 3)).toEqual([0, 1, 3, 5]);
    expect(overPercentiles.from(overPercentiles.to(0.995))).toBeCloseTo(0.995, 9);
  });

  it('want logarithms only where values differ much', () => {
    expect([wantsLog(1, 20), wantsLog(1, 30), wantsLog(0, 30)]).toEqual([false, true, false]);
  });
});
