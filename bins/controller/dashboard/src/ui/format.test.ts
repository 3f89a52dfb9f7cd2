// Holds what numbers look like.
import { ago, bytes, count, date, digits, duration, errorRate, latency, moment, NOTHING, percent, rate, short, word } from './format';

test('what does not exist is a dash, and never 0', () => {
  for (const shown of [digits, count, short, latency, rate, percent, errorRate, duration, moment, bytes]) {
    expect([shown(null), shown(undefined), shown(NaN), shown(Infinity)]).toEqual([NOTHING, NOTHING, NOTHING, NOTHING]);
  }
  expect([date(null), date('yesterday'), ago('')]).toEqual([NOTHING, NOTHING, NOTHING]);
});

test('a latency has the unit that suits it', () => {
  expect([0, 0.0005, 0.87, 4.128, 999.4, 999.9, 1200, 61_000, 7_200_000].map(latency)).toEqual([
    '0 ms', '500 ns', '870 µs', '4.13 ms', '999 ms', '1 s', '1.2 s', '1.02 min', '2 h',
  ]);
});

test('what is nearly all is not told as all', () => {
  expect([percent(100), percent(99.999), percent(99.5), percent(0), percent(0.00001)]).toEqual(['100%', '>99.99%', '99.5%', '0%', '<0.001%']);
  expect(errorRate(99.5)).toBe('0.5%');
});

test('great numbers are short', () => {
  expect([999, 9999, 12_345, 4_560_000, 7.1e9].map(short)).toEqual(['999', '9,999', '12.3k', '4.56M', '7.1G']);
  expect([rate(1250.4), rate(0.5), bytes(999), bytes(12_345_678)]).toEqual(['1,250.4/s', '0.5/s', '999 B', '12.3 MB']);
});

test('times read as people say them', () => {
  expect([duration(45), duration(125), duration(3780), duration(90_000)]).toEqual(['45 s', '2 min 5 s', '1 h 3 min', '1 d 1 h']);
  expect([moment(45), moment(125), moment(3800), moment(5, true)]).toEqual(['45 s', '2:05', '1:03:20', '0:05']);
  const now = new Date('2026-01-02T00:00:00Z');
  expect([ago('2026-01-02T00:00:30Z', now), ago('2026-01-01T23:55:00Z', now), ago('2026-01-01T20:00:00Z', now)]).toEqual(['just now', '5 min ago', '4 h ago']);
  expect(word('bimodal_latency')).toBe('Bimodal latency');
});
