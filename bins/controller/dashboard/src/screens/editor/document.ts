// Turns the text of a scenario into its document, and a change of a field into another document: what nobody touches stays as it is.
import { stepsOf, type Steps } from './paths';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Doc = { [key: string]: Json };

export const isObject = (value: unknown): value is Doc => typeof value === 'object' && value !== null && !Array.isArray(value);

export type Read = { document: Doc; fault: null } | { document: null; fault: { message: string; at: number | null } };

export const write = (document: Doc): string => `${JSON.stringify(document, null, 2)}\n`;

export function read(text: string): Read {
  const fail = (message: string, at: number | null = null): Read => ({ document: null, fault: { message, at } });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const place = error instanceof Error ? /position (\d+)/.exec(error.message) : null;
    if (text.trim() === '') return fail('There is nothing here yet: a scenario begins with {');
    const at = place ? Number(place[1]) : null;
    return fail(at === null ? 'This is not JSON yet' : `This is not JSON yet: see line ${lineOf(text, at)}`, at);
  }
  if (!isObject(value)) return fail('A scenario is an object: it begins with { and ends with }');
  return { document: value, fault: null };
}

export const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length;

/** What stands at a path; undefined where nothing does. */
export function get(document: Json | undefined, path: string | Steps): Json | undefined {
  let value: Json | undefined = document;
  for (const step of typeof path === 'string' ? stepsOf(path) : path) {
    if (typeof step === 'number') value = Array.isArray(value) ? value[step] : undefined;
    else value = isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return value;
}

/** The document with another value at a path. With undefined the key, or the place in a list, is not there any more. What is missing on the way is made. */
export function set(document: Doc, path: string | Steps, value: Json | undefined): Doc {
  const steps = typeof path === 'string' ? stepsOf(path) : path;
  return put(document, steps, value) as Doc;
}

function put(within: Json | undefined, steps: Steps, value: Json | undefined): Json | undefined {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (typeof step === 'number') {
    const list = Array.isArray(within) ? [...within] : [];
    const inner = put(list[step], rest, value);
    if (inner === undefined) list.splice(step, 1);
    else list[step] = inner;
    return list;
  }
  const object: Doc = isObject(within) ? { ...within } : {};
  if (value === undefined && !Object.hasOwn(object, step)) return object;
  const inner = put(object[step], rest, value);
  if (inner === undefined) delete object[step];
  // A key like __proto__ is one like any other.
  else Object.defineProperty(object, step, { value: inner, enumerable: true, configurable: true, writable: true });
  return object;
}

/** The rows of a list at a path; none where there is no list. */
export const list = (document: Json | undefined, path: string): Json[] => {
  const value = get(document, path);
  return Array.isArray(value) ? value : [];
};

export const text = (value: Json | undefined): string => (typeof value === 'string' ? value : value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));

export const number = (value: Json | undefined): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

const THOUSANDS: Record<string, number> = { k: 1e3, K: 1e3, M: 1e6, G: 1e9 };

/** What somebody typed where a number is wanted: 1500, 1.5k, 1_000. What is none stays a text, and the controller says what is wrong with it; nothing is no value. */
export function typed(written: string): Json | undefined {
  const trimmed = written.trim();
  if (trimmed === '') return undefined;
  const found = /^(-?(?:\d[\d_]*)?(?:\.\d+)?(?:[eE][+-]?\d+)?)([kKMG]?)$/.exec(trimmed);
  const value = found?.[1] && /\d/.test(found[1]) ? Number(found[1].replaceAll('_', '')) : NaN;
  if (!Number.isFinite(value)) return written;
  // 1.1 times 1,000 is not 1,100.0000000000001.
  return Number((value * (THOUSANDS[found![2]!] ?? 1)).toPrecision(15));
}
