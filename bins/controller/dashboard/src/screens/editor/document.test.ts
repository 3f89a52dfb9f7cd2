// Proves that a change of a field leaves the rest of a document as it was, and that text is read and written.
import { get, list, read, set, typed, write, type Doc } from './document';
import { pathOf, stepsOf, upwards } from './paths';

const DOC: Doc = { name: 'a', zzz: { kept: [1, 2] }, loadProfile: { type: 'BURST', bursts: [{ rps: 1, more: true }, { rps: 2 }] } };

describe('a change', () => {
  it('touches nothing else, and keeps the order of keys', () => {
    const changed = set(DOC, 'loadProfile.bursts[0].rps', 7);
    expect(changed).toEqual({ name: 'a', zzz: { kept: [1, 2] }, loadProfile: { type: 'BURST', bursts: [{ rps: 7, more: true }, { rps: 2 }] } });
    expect(Object.keys(changed)).toEqual(['name', 'zzz', 'loadProfile']);
    expect(get(DOC, 'loadProfile.bursts[0].rps')).toBe(1);
    expect(changed.zzz).toBe(DOC.zzz);
  });

  it('takes a key or a row away, and makes what is missing', () => {
    expect(set(DOC, 'name', undefined)).not.toHaveProperty('name');
    expect(list(set(DOC, 'loadProfile.bursts[0]', undefined), 'loadProfile.bursts')).toEqual([{ rps: 2 }]);
    expect(set({}, 'clientCertificate.key', 'x')).toEqual({ clientCertificate: { key: 'x' } });
    expect(set({}, 'mix[0].name', 'x')).toEqual({ mix: [{ name: 'x' }] });
    expect(set(DOC, 'nothing', undefined)).toEqual(DOC);
  });

  it('is not led astray by a key that objects have anyway', () => {
    expect(get({}, 'constructor')).toBeUndefined();
    const changed = set({}, ['headers', '__proto__'], 'x');
    expect(JSON.stringify(changed)).toBe('{"headers":{"__proto__":"x"}}');
  });
});

describe('text', () => {
  it('is read and written', () => {
    expect(read(write(DOC))).toEqual({ document: DOC, fault: null });
    expect(read('').fault?.message).toContain('nothing');
    expect(read('[]').fault?.message).toContain('object');
    expect(read('null').document).toBeNull();
    expect(read('{"a": 1,\n "b" 2}').fault?.message).toContain('JSON');
  });

  it('becomes the number that somebody typed', () => {
    expect(['1500', ' 1.5k ', '1_000', '-5', '2M', '.5', '1e3', '1.1k'].map(typed)).toEqual([1500, 1500, 1000, -5, 2e6, 0.5, 1000, 1100]);
    expect(['', '  '].map(typed)).toEqual([undefined, undefined]);
    expect(['x', '1.2.3', '-', 'k', '5s', '1e999'].map(typed)).toEqual(['x', '1.2.3', '-', 'k', '5s', '1e999']);
  });
});

describe('a path', () => {
  it('is read as the controller writes it', () => {
    expect(stepsOf('loadProfile.bursts[12].rps')).toEqual(['loadProfile', 'bursts', 12, 'rps']);
    expect(stepsOf('headers."a b"')).toEqual(['headers', 'a b']);
    expect(stepsOf(String.raw`mix[0].headers."a.\"b[1]"`)).toEqual(['mix', 0, 'headers', 'a."b[1]']);
    expect(stepsOf('')).toEqual([]);
    expect(stepsOf('a[x].b')).toEqual(['a']);
  });

  it('is written as it was read', () => {
    for (const path of ['sla[1].windowSeconds', 'headers.Content-Type', 'headers."a b"', 'mix[2].url', 'headers.""']) expect(pathOf(stepsOf(path))).toBe(path);
  });

  it('leads up to what holds it', () => {
    expect(upwards('mix[2].url')).toEqual(['mix[2].url', 'mix[2]', 'mix']);
  });
});
