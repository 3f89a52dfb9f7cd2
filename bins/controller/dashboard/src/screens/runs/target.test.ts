// Proves what a typed target is taken for.
import { readTarget } from './target';

test('a whole address is itself, and a host alone is meant as https', () => {
  expect(readTarget(' http://127.0.0.1:8081/a?b=c ')).toBe('http://127.0.0.1:8081/a?b=c');
  expect(readTarget('shop.example')).toBe('https://shop.example/');
  expect(readTarget('HTTPS://Shop.Example')).toBe('https://shop.example/');
});

test('what is no web address is none', () => {
  for (const text of ['', '  ', 'ftp://shop.example/', 'javascript:alert(1)', 'http://', 'a b c']) expect(readTarget(text)).toBeNull();
});

test('nothing in it ends the quotes of the line that it becomes', () => {
  expect(readTarget("http://shop.example/'; rm -rf /")).toBe('http://shop.example/%27;%20rm%20-rf%20/');
  expect(readTarget("http://shop.example/?q='a'")).not.toContain("'");
});
