// Proves what becomes of a curl line.
import { fromCurl, isCurl, wordsOf } from './curl';

const made = (line: string) => fromCurl(line).document;
const notes = (line: string) => fromCurl(line).notes.join('\n');
const URL = 'http://127.0.0.1:8081/';

describe('the words of a line', () => {
  const words = (line: string) => wordsOf(line).words;

  it('are taken apart as a shell does', () => {
    expect(words(`a 'b  c' "d \\"e\\" \\n" f\\ g h'i'"j"`)).toEqual(['a', 'b  c', 'd "e" \\n', 'f g', 'hij']);
    expect(words(`a '' ""`)).toEqual(['a', '', '']);
  });

  it('go on over lines', () => {
    expect(words("curl \\\n  -X POST \\\r\n 'u'")).toEqual(['curl', '-X', 'POST', 'u']);
    expect(words('curl ^\n "u"')).toEqual(['curl', 'u']);
  });

  it("read $'...' as the shell does", () => {
    expect(words(String.raw`$'it\'s \u0021 \x41\102 \n'`)).toEqual(["it's ! AB \n"]);
    expect(words(String.raw`$'\ud83d\ude00 \U1F600 \xc3\xbc \q'`)).toEqual(['😀 😀 ü \\q']);
  });

  it('end where another command or a file begins', () => {
    expect(words('curl u | jq .')).toEqual(['curl', 'u']);
    expect(words('curl u 2>/dev/null')).toEqual(['curl', 'u']);
    expect(words('curl u && ls')).toEqual(['curl', 'u']);
    expect(words('curl http://a/?x=1&y=2')).toEqual(['curl', 'http://a/?x=1&y=2']);
  });

  it('are refused where a quote is open', () => {
    for (const line of ["curl 'a", 'curl "a', "curl $'a"]) expect(() => words(line)).toThrow(/not closed/);
  });
});

describe('a request', () => {
  it('needs no more than a URL, wherever it stands', () => {
    expect(made(`curl ${URL}`)).toEqual({ name: URL, targetUrl: URL });
    expect(made(`curl -s ${URL} -o /dev/null`)).toEqual({ name: URL, targetUrl: URL });
    expect(made(`curl --url ${URL}`).targetUrl).toBe(URL);
    expect(made('curl shop.test/a#part').targetUrl).toBe('http://shop.test/a');
    expect(made(`/usr/bin/curl -- ${URL}`).targetUrl).toBe(URL);
  });

  it('has a method, headers and a body', () => {
    const line = `curl -X PUT '${URL}' -H 'Accept: text/html' -H "X-A:b" -d '{"a": 1}' -H 'Content-Type: application/json'`;
    expect(made(line)).toEqual({ name: URL, targetUrl: URL, method: 'PUT', headers: { Accept: 'text/html', 'X-A': 'b', 'Content-Type': 'application/json' }, body: '{"a": 1}' });
  });

  it('is a POST of a form where there is a body', () => {
    expect(made(`curl ${URL} -d a=1 --data b=2 --data-raw '@c'`)).toMatchObject({ method: 'POST', body: 'a=1&b=2&@c', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
    expect(made(`curl ${URL} --data-binary x`)).toMatchObject({ method: 'POST', body: 'x' });
    expect(made(`curl ${URL} --data-urlencode 'q=a b' --data-urlencode 'c&d'`).body).toBe('q=a%20b&c%26d');
  });

  it('of --json is as `loadcore run --json`', () => {
    expect(made(`curl ${URL} --json '{"a":1}'`)).toMatchObject({ method: 'POST', body: '{"a":1}', headers: { 'Content-Type': 'application/json', Accept: 'application/json' } });
    expect(made(`curl ${URL} --json '{}' -H 'accept: text/plain'`).headers).toEqual({ accept: 'text/plain', 'Content-Type': 'application/json' });
  });

  it('says who asks', () => {
    expect(made(`curl ${URL} -u 'me:sécret'`).headers).toEqual({ Authorization: 'Basic bWU6c8OpY3JldA==' });
    expect(made('curl http://me:a%40b@127.0.0.1:8081/x')).toMatchObject({ targetUrl: 'http://127.0.0.1:8081/x', headers: { Authorization: 'Basic bWU6YUBi' } });
    expect(made(`curl ${URL} -u me:x -H 'Authorization: Bearer y'`).headers).toEqual({ Authorization: 'Bearer y' });
  });

  it('has cookies, an agent and a referer as headers', () => {
    expect(made(`curl ${URL} -b a=1 --cookie 'b=2; c=3' -A 'me/1' -e http://from/`).headers).toEqual({ 'User-Agent': 'me/1', Referer: 'http://from/', Cookie: 'a=1; b=2; c=3' });
  });

  it('takes -G, -k, -L, --compressed and how long', () => {
    expect(made(`curl -G '${URL}?x=1' -d a=1 -d b=2`)).toEqual({ name: `${URL}?x=1&a=1&b=2`, targetUrl: `${URL}?x=1&a=1&b=2` });
    expect(made(`curl -kL --compressed -m 2.5 --http1.1 ${URL}`)).toMatchObject({ tlsVerify: false, followRedirects: 10, compressed: true, timeoutSeconds: 2.5, httpVersion: 'http1' });
    expect(made(`curl --max-redirs 3 -L ${URL}`).followRedirects).toBe(3);
    expect(made(`curl -I ${URL}`).method).toBe('HEAD');
    expect(made(`curl -x proxy:3128 --connect-to a:1:b:2 ${URL}`)).toMatchObject({ proxy: 'http://proxy:3128', connectTo: ['a:1:b:2'] });
  });

  it('reads short options that stand together', () => {
    expect(made(`curl -sSLXPOST ${URL}`)).toMatchObject({ method: 'POST', followRedirects: 10 });
    expect(made(`curl -sd a=1 -H'X-A: b' ${URL}`)).toMatchObject({ body: 'a=1', headers: { 'X-A': 'b' } });
    expect(made(`curl --request=PATCH ${URL}`).method).toBe('PATCH');
  });

  it('keeps several values of one header, and leaves out what is asked to be left out', () => {
    expect(made(`curl ${URL} -H 'X-A: 1' -H 'x-a: 2' -H 'X-B;' -H 'User-Agent:'`).headers).toEqual({ 'X-A': ['1', '2'], 'X-B': '' });
    expect(made(`curl ${URL} -H 'Content-Type:' -d a`).headers).toBeUndefined();
  });
});

describe('what is passed over', () => {
  it('is named', () => {
    expect(notes(`curl ${URL} --retry 3 --cacert ca.pem --fancy -s`)).toBe('Passed over: --retry, --cacert, --fancy');
    expect(notes(`curl ${URL} http://b/`)).toContain('http://b/');
    expect(notes(`curl -sv ${URL} -o x -w '%{http_code}'`)).toBe('');
  });

  it('is a form, and each file', () => {
    expect(notes(`curl ${URL} -F a=b -F c=@d`)).toMatch(/^A form \(-F\) is not taken[^\n]*$/);
    expect(made(`curl ${URL} -F a=b`)).toEqual({ name: URL, targetUrl: URL });
    expect(notes(`curl ${URL} -d @body.json`)).toContain('body.json');
    expect(made(`curl ${URL} -d @body.json`)).toMatchObject({ method: 'POST' });
    expect(notes(`curl ${URL} -b jar.txt`)).toContain('jar.txt');
  });

  it('is what frames a message', () => {
    const line = `curl ${URL} -H 'Content-Length: 3' -H 'Connection: close' -H 'X-A: b'`;
    expect(made(line).headers).toEqual({ 'X-A': 'b' });
    expect(notes(line)).toContain('Content-Length');
  });

  it("is what the shell's variables hold", () => {
    expect(notes(`curl ${URL} -H "Authorization: Bearer $TOKEN"`)).toContain('$TOKEN');
    expect(notes(`curl ${URL} -H 'X-Price: $5' -d '$HOME'`)).toBe('');
    expect(notes(`curl ${URL} -H "X-Key: \${secret:KEY}"`)).toBe('');
  });
});

describe('what is no curl line', () => {
  it('is refused, in words', () => {
    expect(() => fromCurl('wget http://a')).toThrow('A curl line begins with curl');
    expect(() => fromCurl('')).toThrow('A curl line begins with curl');
    expect(() => fromCurl('curl -s')).toThrow('no URL');
    expect(() => fromCurl(`curl ${URL} -H`)).toThrow('-H has no value');
  });

  it('is told from one', () => {
    expect([isCurl(' curl http://a'), isCurl('curl'), isCurl('http://curl')]).toEqual([true, false, false]);
  });
});
