// Proves which points a profile has, and what becomes of it when one is moved.
import type { Doc } from './document';
import { courseOf, lasts, moved, pointsOf, PROFILES, typeOf, withMore, withType } from './profile';

const of = (loadProfile: Doc, durationSeconds: number | undefined = 100): Doc => ({ name: 'a', ...(durationSeconds !== undefined && { durationSeconds }), loadProfile });
const RAMP = of({ type: 'RAMP', initialRps: 10, targetRps: 100 });
const BURST = of({ type: 'BURST', initialRps: 10, bursts: [{ startSecond: 60, durationSeconds: 10, rps: 50 }, { startSecond: 20, durationSeconds: 5, rps: 80 }] });
const STEPS: Doc = { loadProfile: { type: 'STEPS', steps: [{ durationSeconds: 30, rps: 1 }, { durationSeconds: 30, rps: 2 }, { durationSeconds: 40, rps: 3 }] } };
const at = (document: Doc) => pointsOf(document).map(({ id, second, rps }) => [id, second, rps]);

describe('points', () => {
  it('are where the profile is', () => {
    expect(at(of({ type: 'CONSTANT', initialRps: 7 }))).toEqual([['initialRps', 50, 7]]);
    expect(at(RAMP)).toEqual([['initialRps', 0, 10], ['targetRps', 100, 100]]);
    expect(at(of({ type: 'SPIKE', initialRps: 1, targetRps: 9 }))).toEqual([['initialRps', 0, 1], ['start', 50, 9], ['end', 60, 9]]);
    expect(at(STEPS)).toEqual([['step 0', 30, 1], ['step 1', 60, 2], ['step 2', 100, 3]]);
    expect(at(of({ type: 'SINE', initialRps: 50, amplitudeRps: 20, periodSeconds: 40 }))).toEqual([['initialRps', 0, 50], ['peak', 10, 70]]);
    expect(at(of({ type: 'REPLAY', points: [{ second: 0, rps: 1 }, { second: 9, rps: 4 }] }))).toEqual([['point 0', 0, 1], ['point 1', 9, 4]]);
  });

  it('are in the order of time, each of its own burst', () => {
    expect(at(BURST)).toEqual([['initialRps', 0, 10], ['start 1', 20, 80], ['end 1', 25, 80], ['start 0', 60, 50], ['end 0', 70, 50]]);
  });

  it('are none where there is no rate, too many rows, or nothing that is known', () => {
    expect(pointsOf({})).toEqual([]);
    expect(pointsOf(of({ type: 'FOO' }))).toEqual([]);
    expect(pointsOf(of({ type: 'REPLAY', points: Array.from({ length: 1000 }, (_, second) => ({ second, rps: 1 })) }))).toEqual([]);
    expect(pointsOf(of({ type: 'BURST', bursts: 'x' }))).toHaveLength(1);
  });
});

describe('a moved point', () => {
  it('changes what it stands for', () => {
    expect(moved(RAMP, 'targetRps', { second: 40, rps: 70 }).loadProfile).toEqual({ type: 'RAMP', initialRps: 10, targetRps: 70, rampUpSeconds: 40 });
    expect(moved(RAMP, 'initialRps', { second: 0, rps: 20 }).loadProfile).toEqual({ type: 'RAMP', initialRps: 20, targetRps: 100 });
    expect(moved(of({ type: 'SINE', initialRps: 50, amplitudeRps: 20, periodSeconds: 40 }), 'peak', { second: 15, rps: 90 }).loadProfile).toMatchObject({ amplitudeRps: 40, periodSeconds: 60 });
    expect(moved(of({ type: 'REPLAY', points: [{ second: 0, rps: 1 }, { second: 9, rps: 4 }] }), 'point 1', { second: 12, rps: 5 }).loadProfile).toMatchObject({ points: [{ second: 0, rps: 1 }, { second: 12, rps: 5 }] });
  });

  it('leaves times that were not said unsaid while it goes up and down', () => {
    expect(moved(RAMP, 'targetRps', { second: 100, rps: 70 }).loadProfile).not.toHaveProperty('rampUpSeconds');
  });

  it('moves one corner of a burst, and leaves the other', () => {
    expect(moved(BURST, 'start 0', { second: 55, rps: 50 }).loadProfile).toMatchObject({ bursts: [{ startSecond: 55, durationSeconds: 15, rps: 50 }, { startSecond: 20 }] });
    expect(moved(BURST, 'end 1', { second: 30, rps: 90 }).loadProfile).toMatchObject({ bursts: [{ startSecond: 60 }, { startSecond: 20, durationSeconds: 10, rps: 90 }] });
    expect(moved(of({ type: 'SPIKE', initialRps: 1, targetRps: 9 }), 'end', { second: 80, rps: 9 }).loadProfile).toMatchObject({ spikeDurationSeconds: 30 });
  });

  it('takes from the next step what it gives, so that the sum stays', () => {
    const changed = moved(STEPS, 'step 0', { second: 40, rps: 1 });
    expect(changed.loadProfile).toMatchObject({ steps: [{ durationSeconds: 40 }, { durationSeconds: 20 }, { durationSeconds: 40 }] });
    expect(lasts(changed)).toBe(100);
    expect(moved(STEPS, 'step 2', { second: 50, rps: 8 }).loadProfile).toMatchObject({ steps: [{}, {}, { durationSeconds: 40, rps: 8 }] });
  });

  it('never leaves a time of nothing', () => {
    const bursts = moved(BURST, 'end 0', { second: 60, rps: 50 });
    expect((bursts.loadProfile as { bursts: { durationSeconds: number }[] }).bursts[0]!.durationSeconds).toBeGreaterThan(0);
  });

  it('of an id that is not there changes nothing', () => {
    expect(moved(RAMP, 'point 7', { second: 1, rps: 1 })).toBe(RAMP);
  });
});

describe('another type', () => {
  it('begins where the old one was, and keeps the rest', () => {
    for (const [type] of PROFILES) {
      const changed = withType(RAMP, type);
      expect(typeOf(changed)).toBe(type);
      expect(changed.name).toBe('a');
      expect(lasts(changed)).toBeCloseTo(100, 3);
      expect(pointsOf(changed).length).toBeGreaterThan(0);
    }
    expect(withType(RAMP, 'SPIKE').loadProfile).toMatchObject({ initialRps: 10, targetRps: 100 });
    expect(withType(RAMP, 'closed')).toEqual({ name: 'a', durationSeconds: 100 });
    expect(withType(RAMP, 'STEPS')).not.toHaveProperty('durationSeconds');
    expect(withType(STEPS, 'CONSTANT')).toEqual({ durationSeconds: 100, loadProfile: { type: 'CONSTANT', initialRps: 1 } });
  });

  it('gets rows of its own', () => {
    expect(withMore(STEPS, 'steps').loadProfile).toMatchObject({ steps: [{}, {}, {}, { durationSeconds: 40, rps: 3 }] });
    const { bursts } = withMore(BURST, 'bursts').loadProfile as { bursts: { startSecond: number; durationSeconds: number }[] };
    expect(bursts).toHaveLength(3);
    expect(bursts[2]!.startSecond + bursts[2]!.durationSeconds).toBeLessThanOrEqual(100);
    expect(withMore(of({ type: 'REPLAY' }), 'points').loadProfile).toEqual({ type: 'REPLAY', points: [{ second: 0, rps: 10 }] });
  });
});

describe('the course', () => {
  const course = (document: Doc) => {
    const { seconds, rps } = courseOf(document);
    return seconds.map((second, place) => [second, rps[place]]);
  };

  it('has the corners of the profile', () => {
    expect(course(RAMP)).toEqual([[0, 10], [100, 100], [100, 100]]);
    expect(course(STEPS)).toEqual([[0, 1], [30, 1], [30, 2], [60, 2], [60, 3], [100, 3]]);
    expect(course(of({ type: 'REPLAY', points: [{ second: 0, rps: 1 }, { second: 9, rps: 4 }] }))).toEqual([[0, 1], [9, 4], [100, 4]]);
  });

  it('has the highest of bursts that overlap', () => {
    const both = of({ type: 'BURST', initialRps: 1, bursts: [{ startSecond: 10, durationSeconds: 20, rps: 5 }, { startSecond: 20, durationSeconds: 20, rps: 9 }] });
    expect(course(both)).toEqual([[0, 1], [10, 1], [10, 5], [20, 5], [20, 9], [30, 9], [30, 9], [40, 9], [40, 1], [100, 1]]);
  });

  it('of a wave is never below 0', () => {
    expect(Math.min(...courseOf(of({ type: 'SINE', initialRps: 10, amplitudeRps: 50, periodSeconds: 20 })).rps)).toBe(0);
  });
});
