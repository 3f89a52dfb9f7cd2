import { describe, expect, it } from 'vitest';
import { Planned, plannedOf } from './planned';

const flat = (rps: number, seconds: number) => ({
  rateSeconds: 1,
  durationSeconds: seconds,
  rate: Array.from({ length: seconds }, (_, second) => ({ second, rps, meanRps: rps, peakRps: rps })),
});
const ramp = (seconds: number) => ({
  rateSeconds: 1,
  durationSeconds: seconds,
  rate: Array.from({ length: seconds }, (_, second) => ({ second, rps: second * 10, meanRps: second * 10 + 5, peakRps: second * 10 + 10 })),
});
const event = (kind: string, atSeconds: number, data: object = {}) => ({ kind, atSeconds, data });

describe('the planned rate', () => {
  it('is that of the plan, and nothing beyond its end', () => {
    const planned = new Planned(ramp(10));
    expect(planned.at(0.5)).toBe(5);
    expect(planned.at(9.9)).toBe(95);
    expect(planned.at(10)).toBeNaN();
    expect(planned.until).toBe(10);
  });

  it('goes in a line to a rate that was told, half a second after it was told, and stays there', () => {
    const planned = new Planned(flat(100, 60), [event('rate_changed', 9.5, { targetRps: 300, overSeconds: 10 })]);
    expect(planned.at(9.9)).toBe(100);
    expect(planned.at(15)).toBe(200);
    expect(planned.at(20)).toBe(300);
    expect(planned.at(59)).toBe(300);
  });

  it('jumps where no time was given, and a later change begins where the one before had come to', () => {
    const planned = new Planned(flat(100, 60), [event('rate_changed', 9.5, { targetRps: 50 }), event('rate_changed', 19.5, { targetRps: 250, overSeconds: 4 })]);
    expect(planned.at(10)).toBe(50);
    expect(planned.at(22)).toBe(150);
  });

  it('stands still in a pause, goes on after it where it was, and ends later', () => {
    const planned = new Planned(ramp(10), [event('paused', 2, { effectiveAtSeconds: 3 }), event('resumed', 6, { effectiveAtSeconds: 7 })]);
    expect(planned.at(2.5)).toBe(25);
    expect(planned.at(5)).toBe(0);
    expect(planned.at(7.5)).toBe(35);
    expect(planned.until).toBe(14);
    expect(planned.at(14)).toBeNaN();
  });

  it('counts a change after a pause by the profile’s own clock', () => {
    const planned = new Planned(flat(100, 20), [event('paused', 2, { effectiveAtSeconds: 3 }), event('resumed', 6, { effectiveAtSeconds: 7 }), event('rate_changed', 7.5, { targetRps: 200, overSeconds: 4 })]);
    expect(planned.at(10)).toBe(150);
    expect(planned.at(23.9)).toBe(200);
    expect(planned.at(24)).toBeNaN();
  });

  it('passes over what cannot be read, and is nothing without a plan', () => {
    const planned = plannedOf(null, [event('rate_changed', 2, { targetRps: 'a lot' }), { kind: 'rate_changed', atSeconds: null, data: null }]);
    expect(planned.isEmpty).toBe(true);
    expect(planned.at(5)).toBeNaN();
    expect(planned.until).toBeNull();
  });
});
