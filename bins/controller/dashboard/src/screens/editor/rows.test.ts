// Proves that headers, checks and the mix become rows and come back, with nothing lost.
import { changed, checkOf, documentOf, KINDS } from './checks';
import type { Doc, Json } from './document';
import { headersOf, rowsOf } from './headers';
import { sharesOf, withoutRequest, withRequest } from './mix';

describe('headers', () => {
  it('have a row for each value', () => {
    const headers = { Accept: 'a', 'X-A': ['1', '2'], __proto: 'x' };
    expect(rowsOf(headers)).toEqual([['Accept', 'a'], ['X-A', '1'], ['X-A', '2'], ['__proto', 'x']]);
    expect(headersOf(rowsOf(headers))).toEqual(headers);
    expect([rowsOf(undefined), rowsOf('x'), headersOf([])]).toEqual([[], [], undefined]);
  });
});

describe('checks', () => {
  it('come back as they were', () => {
    const checks: Json[] = [{ status: 200 }, { status: '2xx' }, { header: 'x-a', is: 'b' }, { header: 'x-a', contains: 'b' }, { header: 'x-a' }, { bodyContains: 'ok' }, { bodyBytes: { atMost: 9000 } }, { bodyBytes: { is: 0 } }, 'status==200'];
    for (const check of checks) expect(documentOf(checkOf(check)!)).toEqual(check);
  });

  it('are left to the JSON where they have more', () => {
    const others: Json[] = [{ bodyBytes: { atLeast: 1, atMost: 2 } }, { status: 200, header: 'x' }, {}, 5, { bodyBytes: 5 }];
    for (const check of others) expect(checkOf(check)).toBeNull();
  });

  it('keep what fits when they become of another kind', () => {
    expect(documentOf(changed({ kind: 'header-is', name: 'x-a', value: 'b' }, 'header-contains'))).toEqual({ header: 'x-a', contains: 'b' });
    expect(documentOf(changed({ kind: 'header-is', name: 'x-a', value: 'b' }, 'status'))).toEqual({ status: 200 });
    for (const [kind] of KINDS) expect(checkOf(documentOf(changed({ kind: 'status', name: '', value: '200' }, kind)))?.kind).toBe(kind);
  });
});

describe('a mix', () => {
  it('has shares that come to one', () => {
    expect(sharesOf([{ weight: 6 }, { weight: 3 }, {}])).toEqual([0.6, 0.3, 0.1]);
    expect(sharesOf([{ weight: 'x' }, { weight: 0 }, {}])).toEqual([null, null, 1]);
    expect(sharesOf([])).toEqual([]);
  });

  it('takes over what the one request was, and gives it back', () => {
    const one = { name: 'a', method: 'POST', body: '{}', headers: { A: 'b' } };
    const mix = withRequest(one);
    expect(mix).toEqual({ name: 'a', headers: { A: 'b' }, mix: [{ name: 'first', weight: 1, method: 'POST', body: '{}' }, { name: 'second', weight: 1, url: '/' }] });
    expect(withoutRequest(withoutRequest(mix, 1), 0)).toEqual(one);
  });

  it('gives copies names of their own', () => {
    const mix: Doc = { mix: [{ name: 'cart', url: '/cart' }, { name: 'cart 2' }] };
    expect(withRequest(mix, 0).mix).toEqual([{ name: 'cart', url: '/cart' }, { name: 'cart 3', url: '/cart' }, { name: 'cart 2' }]);
    expect(withRequest(mix).mix).toHaveLength(3);
  });
});
