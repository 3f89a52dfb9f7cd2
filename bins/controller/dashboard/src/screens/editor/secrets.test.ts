// Proves what is sent to be judged in the place of secrets that are stored, and that faults come back to their place.
import type { Doc } from './document';
import { shownFaults } from './faults';
import { copyOf, fresh, withCurl } from './fresh';
import { fromCurl } from './curl';
import { hasRedacted, isNamed, isSecretHeader, judged } from './secrets';

const STORED: Doc & { headers: Doc } = {
  headers: { Authorization: '[redacted]', 'X-Token': ['[redacted]', 'a'], Accept: 'b' },
  mix: [{ name: 'a', headers: { Cookie: '[redacted]' } }, { name: 'b' }],
  proxy: 'http://[redacted]@proxy.test:3128/',
  clientCertificate: { certificate: 'x', key: '[redacted]' },
  alerts: [{ type: 'slack', url: '[redacted]' }, { type: 'webhook', url: 'http://a/', secret: '[redacted]' }],
};

describe('a stored scenario', () => {
  it('is judged with something of the kind of each secret', () => {
    const { document } = judged(STORED, true);
    expect(hasRedacted(document)).toBe(false);
    expect(document).toEqual({
      headers: { Authorization: 'kept', 'X-Token': ['kept', 'a'], Accept: 'b' },
      mix: [{ name: 'a', headers: { Cookie: 'kept' } }, { name: 'b' }],
      proxy: 'http://kept@proxy.test:3128/',
      alerts: [{ type: 'webhook', url: 'http://a/', secret: 'kept-as-it-is-stored' }],
    });
    expect(STORED.headers.Authorization).toBe('[redacted]');
  });

  it('has its faults where they are', () => {
    const { back } = judged(STORED, true);
    expect(back({ path: 'alerts[0].url', message: 'x' }).path).toBe('alerts[1].url');
    expect(back({ path: 'mix[0].url', message: 'x' }).path).toBe('mix[0].url');
  });

  it('is judged as it stands where nothing is stored, or nothing is secret', () => {
    expect(judged(STORED, false).document).toBe(STORED);
    const open = { name: 'a' };
    expect(judged(open, true).document).toBe(open);
  });
});

it('headers with secrets are known by their names', () => {
  expect(['authorization', 'X-CSRF-Token', 'Cookie', 'x-api-key', 'Accept', 'X-Request-Id'].map(isSecretHeader)).toEqual([true, true, true, true, false, false]);
  expect([isNamed('Bearer ${secret:A}'), isNamed('Bearer a')]).toEqual([true, false]);
});

it('a field that nobody has come to is not called empty, until somebody wants to start', () => {
  const faults = [{ path: 'targetUrl', message: 'is missing' }, { path: 'durationSeconds', message: 'is missing' }];
  expect(shownFaults(faults, fresh(), false)).toEqual([faults[1]]);
  expect(shownFaults(faults, fresh(), true)).toEqual(faults);
  expect(shownFaults(faults, { targetUrl: 'x' }, false)).toEqual(faults);
  const name = { path: 'name', message: 'is empty' };
  expect(shownFaults([name, ...faults], fresh(), true)).toEqual(faults);
  expect(shownFaults([name], { name: '', targetUrl: 'http://a/' }, true)).toEqual([name]);
  expect(shownFaults([name], { name: '', targetUrl: 'http://a/' }, false)).toEqual([]);
});

describe('what an editor begins with', () => {
  it('is a copy under another name, which starts when it is told to', () => {
    expect(copyOf({ name: 'a', autoStart: false, zzz: 1 })).toEqual({ name: 'a (copy)', zzz: 1 });
    expect(String(copyOf({ name: 'x'.repeat(200) }).name)).toHaveLength(200);
  });

  it('or a curl line, which takes the place of the request and leaves the load', () => {
    const { document } = fromCurl("curl http://b/ -X PUT -H 'A: b'");
    const before = { ...fresh(), body: 'old', headers: { Old: '1' }, sla: ['p99<1s'] };
    expect(withCurl(before, document)).toEqual({ name: 'http://b/', targetUrl: 'http://b/', method: 'PUT', headers: { A: 'b' }, loadProfile: { type: 'CONSTANT', initialRps: 10 }, durationSeconds: 60, sla: ['p99<1s'] });
    expect(withCurl({ ...before, name: 'Mine' }, document).name).toBe('Mine');
  });
});
