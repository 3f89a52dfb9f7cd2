// Turns the headers of a request into rows, one for each value, and back.
import { isObject, text, type Doc, type Json } from './document';

export type Row = readonly [name: string, value: string];

export const rowsOf = (headers: Json | undefined): Row[] =>
  isObject(headers) ? Object.entries(headers).flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((it): Row => [name, text(it)])) : [];

/** A name with several values has a list of them; without rows there are no headers. */
export function headersOf(rows: readonly Row[]): Doc | undefined {
  const values = new Map<string, string[]>();
  for (const [name, value] of rows) values.set(name, [...(values.get(name) ?? []), value]);
  if (values.size === 0) return undefined;
  return Object.fromEntries([...values].map(([name, many]) => [name, many.length === 1 ? many[0]! : many]));
}
