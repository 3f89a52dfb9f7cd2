// Turns what the controller says would run into a sentence.
import type { Preview } from '../../api/types';
import { format } from '../../ui';

const many = (count: number, one: string, more = `${one}s`) => `${format.count(count)} ${count === 1 ? one : more}`;

/** "12,000 requests in 1 min, at most 400/s, by 2 workers". */
export function sentence(plan: Preview): string {
  const { loop, arrivals, durationSeconds, maxRequests, peakRps, workers, warmupSeconds } = plan;
  const by = `by ${many(workers.length, 'worker')}`;
  const long = durationSeconds === null ? null : format.duration(durationSeconds);
  const warm = warmupSeconds > 0 ? `, after ${format.duration(warmupSeconds)} of warm-up` : '';
  if (loop === 'closed' || arrivals === null) {
    const connections = workers.reduce((sum, worker) => sum + worker.connections, 0);
    const most = maxRequests === null ? null : many(maxRequests, 'request');
    const end = [most && (long ? `at most ${most}` : most), long && `for ${long}`].filter(Boolean).join(', ');
    return `As fast as ${many(connections, 'connection')} ${connections === 1 ? 'is' : 'are'} answered${end ? `, ${end}` : ''}, ${by}${warm}`;
  }
  if (arrivals === 0) return `No requests: the rate is too low for ${long ?? 'that'}`;
  const peak = peakRps === null ? '' : `, at most ${format.rate(peakRps)}`;
  return `${many(arrivals, 'request')}${long ? ` in ${long}` : ''}${peak}, ${by}${warm}`;
}

/** The planned rate as a line: a row at one rate is flat to its end, and where the rate was highest within a row there is a peak in its middle. */
export function line({ rate, rateSeconds, durationSeconds }: Preview): { seconds: number[]; rps: number[] } {
  const points: [second: number, rps: number][] = rate.flatMap((row, place) => {
    const next = rate[place + 1];
    const end = next?.second ?? Math.max(row.second, durationSeconds ?? 0);
    const begin: [number, number] = [row.second, row.rps];
    const isFlat = near(row.meanRps, row.rps) && near(row.peakRps, row.rps);
    if (isFlat) return [begin, [end, row.rps]];
    // Of the last row its mean says where it goes.
    if (!next) return [begin, [end, Math.max(0, 2 * row.meanRps - row.rps)]];
    const isWithin = row.peakRps > Math.max(row.rps, next.rps) && !near(row.peakRps, Math.max(row.rps, next.rps));
    return isWithin ? [begin, [row.second + rateSeconds / 2, row.peakRps]] : [begin];
  });
  return { seconds: points.map(([second]) => second), rps: points.map(([, rps]) => rps) };
}

const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a), Math.abs(b));
