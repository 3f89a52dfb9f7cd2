// Proves at which line of a text a path stands.
import { lineOf, write } from './document';
import { placeOf, placesOf } from './places';

const lineAt = (text: string, path: string) => lineOf(text, placeOf(placesOf(text), path));

it('finds keys, rows and values', () => {
  const text = write({ name: 'a "quoted" {', mix: [{ name: 'x' }, { name: 'y', url: '/' }], headers: { 'a b': ['1', '2'] }, n: -1.5e3, none: null });
  const line = (part: string) => lineOf(text, text.indexOf(part));
  expect(lineAt(text, 'name')).toBe(2);
  expect(lineAt(text, 'mix[1].url')).toBe(line('"url"'));
  expect(lineAt(text, 'headers."a b"')).toBe(line('"a b"'));
  expect(lineAt(text, 'headers."a b"[1]')).toBe(line('"2"'));
  expect(lineAt(text, 'none')).toBe(line('"none"'));
});

it('takes what would hold a path that is not there', () => {
  const text = '{\n"mix": [\n{"name": "x"}]}';
  expect(lineAt(text, 'mix[0].url')).toBe(3);
  expect(lineAt(text, 'durationSeconds')).toBe(1);
});

it('goes as far as the text can be read', () => {
  expect(lineAt('{"a": 1,\n"b": [1, {"c": \n', 'b[1].c')).toBe(2);
  expect(placesOf('').size).toBe(1);
  expect(placesOf('['.repeat(5000)).size).toBeLessThan(100);
  expect(placesOf('{"a" 1}').has('a')).toBe(true);
});
