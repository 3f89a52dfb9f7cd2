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

/** The planned rate as a line. A burst that is shorter than a row shows as a peak in its middle. */
export function line({ rate, rateSeconds, durationSeconds }: Preview): { seconds: number[]; rps: number[] } {
  const points: [second: number, rps: number][] = rate.flatMap((row, place) => {
    const begin: [number, number] = [row.second, row.rps];
    const isWithin = row.peakRps > Math.max(row.rps, rate[place + 1]?.rps ?? Infinity);
    return isWithin ? [begin, [row.second + rateSeconds / 2, row.peakRps]] : [begin];
  });
  const last = rate.at(-1);
  // Where the last row goes, its mean says.
  if (last && durationSeconds !== null && durationSeconds > last.second) points.push([durationSeconds, Math.max(0, 2 * last.meanRps - last.rps)]);
  return { seconds: points.map(([second]) => second), rps: points.map(([, rps]) => rps) };
}
