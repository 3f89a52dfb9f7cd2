// Proves what is said of what would run, and how its rate is drawn.
import type { Preview } from '../../api/types';
import { line, sentence } from './plan';

const PLAN: Preview = { loop: 'open', durationSeconds: 60, maxRequests: null, warmupSeconds: 0, firstArrivalSeconds: 0, arrivals: 12000, peakRps: 400, rateSeconds: 1, rate: [], requests: [], workers: [{ worker: 0, arrivals: 6000, peakRps: 200, connections: 32 }, { worker: 1, arrivals: 6000, peakRps: 200, connections: 32 }], notes: [] };

describe('the sentence', () => {
  it('says how many, how long, how fast and by whom', () => {
    expect(sentence(PLAN)).toBe('12,000 requests in 1 min, at most 400/s, by 2 workers');
    expect(sentence({ ...PLAN, arrivals: 1, durationSeconds: 5, peakRps: 0.2, warmupSeconds: 3, workers: PLAN.workers.slice(1) })).toBe('1 request in 5 s, at most 0.2/s, by 1 worker, after 3 s of warm-up');
    expect(sentence({ ...PLAN, arrivals: 0 })).toBe('No requests: the rate is too low for 1 min');
  });

  it('of a closed loop says how many connections', () => {
    const closed: Preview = { ...PLAN, loop: 'closed', arrivals: null, peakRps: null };
    expect(sentence(closed)).toBe('As fast as 64 connections are answered, for 1 min, by 2 workers');
    expect(sentence({ ...closed, durationSeconds: null, maxRequests: 500 })).toBe('As fast as 64 connections are answered, 500 requests, by 2 workers');
    expect(sentence({ ...closed, maxRequests: 500 })).toBe('As fast as 64 connections are answered, at most 500 requests, for 1 min, by 2 workers');
  });
});

describe('the line', () => {
  const row = (second: number, rps: number, meanRps = rps, peakRps = Math.max(rps, meanRps)) => ({ second, rps, meanRps, peakRps });
  const points = (rate: Preview['rate'], durationSeconds: number | null = rate.length) => {
    const { seconds, rps } = line({ ...PLAN, rate, durationSeconds });
    return seconds.map((second, place) => [second, rps[place]]);
  };

  it('is flat where the rate is, with an edge to the next', () => {
    expect(points([row(0, 5), row(1, 9)])).toEqual([[0, 5], [1, 5], [1, 9], [2, 9]]);
  });

  it('rises where it does, to the end', () => {
    expect(points([row(0, 0, 5, 10), row(1, 10, 15, 20)])).toEqual([[0, 0], [1, 10], [2, 20]]);
  });

  it('shows a burst that is shorter than a row', () => {
    expect(points([row(0, 1, 3, 40), row(1, 1)])).toEqual([[0, 1], [0.5, 40], [1, 1], [2, 1]]);
  });

  it('of nothing is nothing', () => {
    expect(points([])).toEqual([]);
    expect(points([row(0, 5)], null)).toEqual([[0, 5], [0, 5]]);
  });
});
