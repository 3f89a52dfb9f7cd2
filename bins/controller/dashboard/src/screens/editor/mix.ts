// Turns a scenario of one request into one of several, and back; and weights into shares.
import { get, isObject, list, number, set, text, type Doc, type Json } from './document';

/** The part of each in all arrivals; null where a weight is none. */
export function sharesOf(rows: readonly Json[]): (number | null)[] {
  const weights = rows.map((row) => {
    const weight = isObject(row) && row.weight !== undefined && row.weight !== null ? number(row.weight) : 1;
    return weight !== null && weight > 0 ? weight : null;
  });
  const sum = weights.reduce<number>((all, weight) => all + (weight ?? 0), 0);
  return weights.map((weight) => (weight === null ? null : weight / sum));
}

/** What stands for one request, and with a mix in each of its entries. */
const OWN = ['method', 'body', 'bodyBase64'] as const;

/** One more request, or a copy of the one at `place`. The first ones are made of what the scenario sent before. */
export function withRequest(document: Doc, place?: number): Doc {
  const rows = list(document, 'mix');
  if (rows.length === 0) {
    const own = OWN.flatMap((key) => (document[key] !== undefined && document[key] !== null ? [[key, document[key]] as const] : []));
    const first: Doc = { name: 'first', weight: 1, ...Object.fromEntries(own) };
    const left = OWN.reduce((now, key) => set(now, key, undefined), document);
    return set(left, 'mix', [first, { name: 'second', weight: 1, url: '/' }]);
  }
  const of = place === undefined ? null : rows[place];
  const row: Doc = { ...(isObject(of) ? of : { weight: 1, url: '/' }), name: freeName(rows, isObject(of) ? text(of.name) : 'request') };
  const at = place === undefined ? rows.length : place + 1;
  return set(document, 'mix', [...rows.slice(0, at), isObject(of) ? row : { name: row.name!, ...row }, ...rows.slice(at)]);
}

/** `cart`, then `cart 2`: names are unique. */
function freeName(rows: readonly Json[], wanted: string): string {
  const taken = new Set(rows.map((row) => text(get(row, 'name'))));
  const stem = wanted.replace(/ \d+$/, '');
  for (let number = 2; ; number++) {
    const name = `${stem} ${number}`;
    if (!taken.has(name)) return name;
  }
}

/** Without the request at a place. Of the last one the scenario sends again what it said. */
export function withoutRequest(document: Doc, place: number): Doc {
  const rows = list(document, 'mix').filter((_, other) => other !== place);
  if (rows.length > 0) return set(document, 'mix', rows);
  const last = list(document, 'mix')[place];
  const back = OWN.reduce((now, key) => (get(last, key) === undefined ? now : set(now, key, get(last, key))), document);
  return set(back, 'mix', undefined);
}
