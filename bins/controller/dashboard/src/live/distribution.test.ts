// Checks the compact distribution against what docs/results.md says of it.
import { bytesOf, Distribution, edgeNs, PLACES, quantileOf } from './distribution';

/** As the page of the results writes it, in another language: an independent reading. */
function buckets(text: string): [number, number, number][] {
  const numbers: number[] = [];
  let [number, shift] = [0, 0];
  for (const char of atob(text)) {
    const byte = char.charCodeAt(0);
    number |= (byte & 127) << shift;
    shift += 7;
    if (byte < 128) {
      numbers.push(number);
      [number, shift] = [0, 0];
    }
  }
  let place = numbers[0]!;
  const found: [number, number, number][] = [];
  for (let n = 1; n < numbers.length; n += 1) {
    const count = numbers[n]!;
    if (count === 0) {
      place += numbers[(n += 1)]!;
      continue;
    }
    const k = Math.max(Math.floor(place / 16) - 1, 0);
    found.push([((place - 16 * k) * 512) * 2 ** k, ((place - 16 * k + 1) * 512) * 2 ** k, count]);
    place += 1;
  }
  return found;
}

// Told by a controller: 295 requests, of which it said itself p50 4.163583, p95 45.154303, p99 47.742975 ms.
const TOLD = 'nwHAAQsIDwcFBAABBAMBAwECAQUAAQQCAwEBAAEBAQAFAQAXDAUBAQ==';

describe('a distribution', () => {
  it('has the buckets that its text has', () => {
    const distribution = Distribution.of(TOLD)!;
    const own = [...distribution.counts].flatMap((count, place) => (count > 0 ? [[edgeNs(place), edgeNs(place + 1), count]] : []));
    expect(own).toEqual(buckets(TOLD));
    expect(distribution.total).toBe(295);
  });

  it('tells percentiles within 3.2% of the exact ones', () => {
    const distribution = Distribution.of(TOLD)!;
    for (const [q, ms] of [[0.5, 4.163583], [0.95, 45.154303], [0.99, 47.742975], [1, 50.692095]] as const) {
      expect(Math.abs(distribution.quantile(q)! / ms - 1)).toBeLessThan(0.032);
      expect(quantileOf(bytesOf(TOLD), q)).toBe(distribution.quantile(q));
    }
  });

  it('skips the buckets that have nothing', () => {
    const { counts, total } = Distribution.of('fgIAAwE=')!;
    expect([counts[126], counts[127], counts[130], total]).toEqual([2, 0, 1, 3]);
  });

  it('adds up to the same, whichever is added to which', () => {
    const [a, b] = [Distribution.of(TOLD)!, Distribution.of('fgIAAwE=')!];
    const sum = Distribution.of(TOLD)!.add(b);
    expect(sum.counts).toEqual(Distribution.of('fgIAAwE=')!.add(a).counts);
    expect(sum.total).toBe(298);
  });

  it('is written as it was read', () => {
    expect(btoa(String.fromCharCode(...Distribution.of(TOLD)!.toBytes()!))).toBe(TOLD);
    expect(new Distribution().toBytes()).toBeNull();
  });

  it('keeps counts of more than 32 bits', () => {
    const distribution = new Distribution();
    distribution.counts[200] = 2 ** 40 + 3;
    distribution.total = 2 ** 40 + 3;
    expect(Distribution.ofBytes(distribution.toBytes()!).counts[200]).toBe(2 ** 40 + 3);
  });

  it('says where the endless bucket begins', () => {
    const distribution = new Distribution();
    distribution.counts[PLACES - 1] = 1;
    distribution.total = 1;
    expect(distribution.quantile(0.5)).toBe(edgeNs(PLACES - 1) / 1e6);
  });

  it.each([null, undefined, 7, '', '%%%', '/w==', 'fg==', 'fgIA', '//8BAQ==', 'fgL///////////8B'])('is none where the text is damaged: %s', (text) => {
    expect(Distribution.of(text)).toBeNull();
  });

  it('has no percentile where nothing is counted', () => {
    expect(new Distribution().quantile(0.5)).toBeNull();
    expect(quantileOf(null, 0.5)).toBeNull();
  });
});
