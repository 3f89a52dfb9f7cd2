// Turns the text of a JSON document into where each of its values stands, so that a fault can be shown at its line.
import { pathOf, upwards, type Step } from './paths';

/** Where the value at each path begins; for a key of an object where the key does. What comes after a mistake has no place. */
export function placesOf(text: string): Map<string, number> {
  const places = new Map<string, number>();
  let at = 0;
  const blank = () => {
    while (/\s/.test(text[at] ?? '')) at++;
  };
  const string = (): string => {
    const found = /"(?:[^"\\]|\\.)*"/y;
    found.lastIndex = at;
    const match = found.exec(text);
    if (!match) throw new SyntaxError('no text');
    at += match[0].length;
    return JSON.parse(match[0]) as string;
  };
  const expect = (sign: string) => {
    blank();
    if (text[at] !== sign) throw new SyntaxError(`no ${sign}`);
    at++;
  };
  /** Each of the parts between `at` and the sign that ends them. */
  const parts = (end: string, part: (place: number) => void) => {
    at++;
    blank();
    if (text[at] === end) {
      at++;
      return;
    }
    for (let place = 0; ; place++) {
      part(place);
      blank();
      if (text[at] === end) break;
      expect(',');
    }
    at++;
  };
  const value = (steps: Step[], depth: number): void => {
    blank();
    const path = pathOf(steps);
    if (!places.has(path)) places.set(path, at);
    // As deep as the controller reads.
    if (depth > 64) throw new SyntaxError('too deep');
    if (text[at] === '{') {
      parts('}', () => {
        blank();
        const begin = at;
        const key = string();
        places.set(pathOf([...steps, key]), begin);
        expect(':');
        value([...steps, key], depth + 1);
      });
    } else if (text[at] === '[') parts(']', (place) => value([...steps, place], depth + 1));
    else if (text[at] === '"') string();
    else {
      const found = /[^\s,\]}]+/y;
      found.lastIndex = at;
      const match = found.exec(text);
      if (!match) throw new SyntaxError('no value');
      at += match[0].length;
    }
  };
  try {
    value([], 0);
  } catch {
    // What was found until then counts.
  }
  return places;
}

/** Where a path stands, or what would hold it. */
export const placeOf = (places: Map<string, number>, path: string): number => upwards(path).map((it) => places.get(it)).find((it) => it !== undefined) ?? places.get('') ?? 0;
