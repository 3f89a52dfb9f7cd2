// Holds that the audit log is read line by line.
import { parseLines } from './audit';

test('each line is an entry, and what is damaged is passed over', () => {
  const text = '{"id":"a","at":"2026-01-01T00:00:00Z","user":"ann","via":"name","what":"halt.lifted","call":"DELETE /api/v1/halt","outcome":"done","status":204}\n{"id":"b","user":"bob"}\n{"id":\n\nnull\n3\n';
  expect(parseLines(text).map(({ id, outcome }) => [id, outcome])).toEqual([['a', 'done'], ['b', null]]);
  expect(parseLines('')).toEqual([]);
});
