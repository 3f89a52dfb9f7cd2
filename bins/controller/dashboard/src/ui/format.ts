// Turns numbers and times into the text that people read. What does not exist is an en dash.

type Maybe = number | null | undefined;
export const NOTHING = '–';

const exists = (value: Maybe): value is number => value !== null && value !== undefined && Number.isFinite(value);

/** One for each number of decimals: to make one costs far more than to use it, and plots write a hundred numbers a second. */
const NUMBERS = Array.from({ length: 7 }, (_, decimals) => new Intl.NumberFormat('en', { maximumFractionDigits: decimals }));

/** With so many significant digits, and never fewer than the whole part has: 1,234 and 0.0123. */
export function digits(value: Maybe, most = 3): string {
  if (!exists(value)) return NOTHING;
  const size = Math.abs(value);
  const decimals = size === 0 ? 0 : Math.min(6, Math.max(0, most - 1 - Math.floor(Math.log10(size))));
  return NUMBERS[decimals]!.format(value);
}

/** Something counted: 12,345. */
export const count = (value: Maybe): string => (exists(value) ? NUMBERS[0]!.format(Math.round(value)) : NOTHING);

/** Something counted, short where it is great: 12.3k, 4.56M. */
export function short(value: Maybe): string {
  if (!exists(value)) return NOTHING;
  const size = Math.abs(value);
  for (const [from, unit] of [[1e9, 'G'], [1e6, 'M'], [1e4, 'k']] as const) {
    if (size >= from) return `${digits(value / (unit === 'k' ? 1e3 : from))}${unit}`;
  }
  return digits(value, 4);
}

const LATENCIES: [below: number, factor: number, unit: string][] = [
  [1e-3, 1e6, 'ns'],
  [1, 1e3, 'µs'],
  [1e3, 1, 'ms'],
  [6e4, 1e-3, 's'],
  [36e5, 1 / 6e4, 'min'],
  [Infinity, 1 / 36e5, 'h'],
];

/** A latency that is given in milliseconds: 4.13 ms, 870 µs, 1.2 s. */
export function latency(ms: Maybe): string {
  if (!exists(ms)) return NOTHING;
  if (ms === 0) return '0 ms';
  const [, factor, unit] = LATENCIES.find(([below]) => Math.abs(ms) < below * 0.9995)!;
  return `${digits(ms * factor)} ${unit}`;
}

/** Requests per second: 1,250/s. */
export const rate = (rps: Maybe): string => (exists(rps) ? `${digits(rps, rps >= 1000 ? 6 : 3)}/s` : NOTHING);

/** A percentage that is given as one: 99.7%. What is nearly all is not told as all. */
export function percent(value: Maybe, most = 3): string {
  if (!exists(value)) return NOTHING;
  if (value < 100 && value > 99.99) return '>99.99%';
  if (value > 0 && value < 0.001) return '<0.001%';
  return `${digits(value, value > 99 ? 4 : most)}%`;
}

/** The share of failed requests, from the share of ok ones in percent. */
export const errorRate = (successRate: Maybe): string => (exists(successRate) ? percent(Math.max(0, 100 - successRate)) : NOTHING);

const two = (value: number): string => String(value).padStart(2, '0');

/** A length of time in seconds: 45 s, 2 min 5 s, 1 h 3 min. */
export function duration(seconds: Maybe): string {
  if (!exists(seconds)) return NOTHING;
  if (seconds < 60) return `${digits(seconds)} s`;
  const whole = Math.round(seconds);
  const [days, hours, minutes, rest] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  if (days > 0) return hours > 0 ? `${days} d ${hours} h` : `${days} d`;
  if (hours > 0) return minutes > 0 ? `${hours} h ${minutes} min` : `${hours} h`;
  return rest > 0 ? `${minutes} min ${rest} s` : `${minutes} min`;
}

/** A moment of a run on its axis: 45 s, 2:05, 1:03:20. */
export function moment(second: Maybe, long = false): string {
  if (!exists(second)) return NOTHING;
  if (!long && second < 60) return `${digits(second, 4)} s`;
  const whole = Math.round(second);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** Bytes: 12.3 MB. */
export function bytes(value: Maybe): string {
  if (!exists(value)) return NOTHING;
  for (const [size, unit] of [[1e12, 'TB'], [1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']] as const) {
    if (value >= size) return `${digits(value / size)} ${unit}`;
  }
  return `${count(value)} B`;
}

/** A date and time where the reader is: Nov 27, 23:52. With the year where it is another one. */
export function date(at: string | null | undefined, now = new Date()): string {
  const when = at ? new Date(at) : null;
  if (!when || Number.isNaN(when.getTime())) return NOTHING;
  const year = when.getFullYear() === now.getFullYear() ? undefined : 'numeric';
  return when.toLocaleString('en', { year, month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}

/** How long ago: just now, 5 min ago, 3 h ago, then the date. A clock that runs ahead says just now. */
export function ago(at: string | null | undefined, now = new Date()): string {
  const when = at ? new Date(at) : null;
  if (!when || Number.isNaN(when.getTime())) return NOTHING;
  const seconds = (now.getTime() - when.getTime()) / 1000;
  if (seconds < 45) return 'just now';
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`;
  return date(at, now);
}

/** A word of the API as people write it: bimodal_latency, COMPLETED. */
export const word = (name: string): string => {
  const words = name.replaceAll('_', ' ').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
};
