// Turns a check of a scenario into what people choose and type, and back.
import { isObject, text, typed, type Doc, type Json } from './document';

export const KINDS = [
  ['status', 'Status is'],
  ['header-is', 'Header is'],
  ['header-contains', 'Header contains'],
  ['header', 'Header is there'],
  ['bodyContains', 'Body contains'],
  ['atMost', 'Body is at most'],
  ['atLeast', 'Body is at least'],
  ['is', 'Body is exactly'],
  ['text', 'As text'],
] as const;
export type Kind = (typeof KINDS)[number][0];

export interface Check {
  kind: Kind;
  /** Of a header. */
  name: string;
  value: string;
}

/** Null for one that has more than these rows show; it is changed in the JSON. */
export function checkOf(check: Json): Check | null {
  if (typeof check === 'string') return { kind: 'text', name: '', value: check };
  if (!isObject(check)) return null;
  const has = (...keys: string[]) => Object.keys(check).length === keys.length && keys.every((key) => key in check);
  if (has('status')) return { kind: 'status', name: '', value: text(check.status) };
  if (has('header', 'is')) return { kind: 'header-is', name: text(check.header), value: text(check.is) };
  if (has('header', 'contains')) return { kind: 'header-contains', name: text(check.header), value: text(check.contains) };
  if (has('header')) return { kind: 'header', name: text(check.header), value: '' };
  if (has('bodyContains')) return { kind: 'bodyContains', name: '', value: text(check.bodyContains) };
  const bytes = has('bodyBytes') && isObject(check.bodyBytes) ? check.bodyBytes : null;
  const [bound, ...others] = Object.keys(bytes ?? {});
  if (bytes && others.length === 0 && (bound === 'is' || bound === 'atLeast' || bound === 'atMost')) return { kind: bound, name: '', value: text(bytes[bound]) };
  return null;
}

const status = (value: string): Json => (/^[1-5]xx$/i.test(value.trim()) ? value.trim() : (typed(value) ?? ''));

export function documentOf({ kind, name, value }: Check): Json {
  switch (kind) {
    case 'status': return { status: status(value) };
    case 'header-is': return { header: name, is: value };
    case 'header-contains': return { header: name, contains: value };
    case 'header': return { header: name };
    case 'bodyContains': return { bodyContains: value };
    case 'text': return value;
    default: return { bodyBytes: { [kind]: typed(value) ?? '' } };
  }
}

/** Another kind of check, with what of the old one fits. */
export function changed(check: Check, kind: Kind): Check {
  const isNumber = (it: Kind) => it === 'status' || it === 'atMost' || it === 'atLeast' || it === 'is';
  if (kind === 'text' || check.kind === 'text') return { kind, name: '', value: kind === 'status' ? '200' : '' };
  const value = isNumber(kind) === isNumber(check.kind) && kind !== 'status' && check.kind !== 'status' ? check.value : kind === 'status' ? '200' : '';
  return { kind, name: check.name, value };
}

export const FIRST: Doc = { status: 200 };
