// Turns a curl command line into the request of a scenario, as `loadcore run` takes the same options, and says what it passed over.
import { isObject, type Doc } from './document';

export interface FromCurl {
  /** The fields of a scenario that the line says. */
  document: Doc;
  notes: string[];
}

/** Throws an Error that says what is wrong, where nothing can be made of the line. */
export function fromCurl(line: string): FromCurl {
  const { words, variables } = wordsOf(line);
  if (!/^(?:.*[/\\])?curl(?:\.exe)?$/.test(words[0] ?? '')) throw new Error('A curl line begins with curl');
  const request = new Request();
  read(words.slice(1), request);
  if (variables.length > 0) request.note(`The shell would put something in the place of ${listed(variables)}; here it stays as it is written. What is secret goes by a name: \${secret:NAME}`);
  return request.made();
}

export const isCurl = (text: string): boolean => /^\s*curl(?:\.exe)?\s/.test(text);

const listed = (names: string[]): string => [...new Set(names)].slice(0, 5).join(', ');

/** The words of a line as a POSIX shell takes them apart, and the variables that it would have put in. */
export function wordsOf(line: string): { words: string[]; variables: string[] } {
  // Lines go on after a backslash, and in Windows' shell after a caret.
  const text = line.replaceAll(/\\\r?\n|\^\r?\n/g, ' ').trim();
  const words: string[] = [];
  const variables: string[] = [];
  let word: string | null = null;
  let at = 0;
  const add = (piece: string) => (word = (word ?? '') + piece);
  const variable = (): void => {
    const found = /^\$(?:\{(?!secret:)[^}]*\}|[A-Za-z_]\w*|\()/.exec(text.slice(at));
    if (found) variables.push(found[0]);
  };
  while (at < text.length) {
    const sign = text[at]!;
    if (/\s/.test(sign)) {
      if (word !== null) words.push(word);
      word = null;
      at++;
    } else if (sign === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) throw new Error("A quote ' is not closed");
      add(text.slice(at + 1, end));
      at = end + 1;
    } else if (sign === '$' && text[at + 1] === "'") {
      const { value, end } = ansi(text, at + 2);
      add(value);
      at = end;
    } else if (sign === '"' || (sign === '$' && text[at + 1] === '"')) {
      at += sign === '"' ? 1 : 2;
      add('');
      while (at < text.length && text[at] !== '"') {
        if (text[at] === '\\' && /["\\$`]/.test(text[at + 1] ?? '')) at++;
        else if (text[at] === '$') variable();
        add(text[at++]!);
      }
      if (at >= text.length) throw new Error('A quote " is not closed');
      at++;
    } else if (sign === '\\') {
      add(text[at + 1] ?? '');
      at += 2;
    } else if (/[|;<>]/.test(sign) || (sign === '&' && word === null)) {
      // What comes after it is another command, or where the output goes. An & within a URL was seldom meant so.
      if (/[<>]/.test(sign) && /^\d$/.test(word ?? '')) word = null;
      break;
    } else {
      if (sign === '$') variable();
      add(sign);
      at++;
    }
  }
  if (word !== null) words.push(word);
  return { words, variables };
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', e: '\x1b', E: '\x1b', f: '\f', v: '\v', '\\': '\\', "'": "'", '"': '"', '?': '?' };

/** The inside of $'...', which browsers write where a text has signs of its own; its bytes are UTF-8. */
function ansi(text: string, from: number): { value: string; end: number } {
  const inside = /(?:[^'\\]|\\[\s\S])*/y;
  inside.lastIndex = from;
  const written = inside.exec(text)![0];
  const end = from + written.length;
  if (text[end] !== "'") throw new Error("A quote $' is not closed");
  const value = written.replaceAll(/((?:\\x[0-9a-fA-F]{1,2}|\\[0-7]{1,3})+)|\\u([0-9a-fA-F]{1,4})|\\U([0-9a-fA-F]{1,8})|\\([\s\S])/g, (whole, bytes, unit, point, sign) => {
    if (bytes) return utf8(bytes);
    // Two halves of a pair come together by themselves.
    if (unit) return String.fromCharCode(parseInt(unit, 16));
    if (point) return parseInt(point, 16) <= 0x10ffff ? String.fromCodePoint(parseInt(point, 16)) : '\ufffd';
    return ESCAPES[sign] ?? whole;
  });
  return { value, end: end + 1 };
}

const utf8 = (escapes: string): string =>
  new TextDecoder().decode(new Uint8Array([...escapes.matchAll(/\\(?:x([0-9a-fA-F]+)|([0-7]+))/g)].map(([, hex, octal]) => (hex ? parseInt(hex, 16) : parseInt(octal!, 8) & 255))));

/** Options with a value that is taken, by what is done with it. */
const VALUES: Record<string, (request: Request, value: string) => void> = {
  '-X': (it, value) => (it.method = value),
  '-H': (it, value) => it.header(value),
  '-d': (it, value) => it.data(value, true),
  '--data-raw': (it, value) => it.data(value, false),
  '--data-urlencode': (it, value) => it.encoded(value),
  '--json': (it, value) => it.json(value),
  '-u': (it, value) => (it.user = value),
  '-b': (it, value) => it.cookie(value),
  '-A': (it, value) => it.other('User-Agent', value),
  '-e': (it, value) => it.other('Referer', value),
  '-r': (it, value) => it.other('Range', `bytes=${value}`),
  '--oauth2-bearer': (it, value) => it.other('Authorization', `Bearer ${value}`),
  '--url': (it, value) => it.url(value),
  '-m': (it, value) => it.number('timeoutSeconds', '-m', value),
  '--max-redirs': (it, value) => it.number('followRedirects', '--max-redirs', value),
  '-x': (it, value) => (it.fields.proxy = /^[a-z0-9]+:\/\//i.test(value) ? value : `http://${value}`),
  '--connect-to': (it, value) => (it.fields.connectTo = [...(Array.isArray(it.fields.connectTo) ? it.fields.connectTo : []), value]),
};

/** Options without a value. */
const FLAGS: Record<string, (request: Request) => void> = {
  '-k': (it) => (it.fields.tlsVerify = false),
  '-L': (it) => (it.fields.followRedirects ??= 10),
  '-G': (it) => (it.isQuery = true),
  '-I': (it) => (it.method ??= 'HEAD'),
  '-4': (it) => (it.fields.addressFamily = 'ipv4'),
  '-6': (it) => (it.fields.addressFamily = 'ipv6'),
  '--compressed': (it) => (it.fields.compressed = true),
  '--http1.1': (it) => (it.fields.httpVersion = 'http1'),
  '--http2-prior-knowledge': (it) => (it.fields.httpVersion = 'http2'),
  '--no-keepalive': (it) => (it.fields.keepAlive = false),
  // Where TLS agrees on it, it is spoken anyway.
  '--http2': () => undefined,
};

const SAME: Record<string, string> = {
  '--request': '-X', '--header': '-H', '--data': '-d', '--data-ascii': '-d', '--data-binary': '-d', '--user': '-u', '--cookie': '-b', '--user-agent': '-A', '--referer': '-e', '--range': '-r',
  '--max-time': '-m', '--proxy': '-x', '--insecure': '-k', '--location': '-L', '--location-trusted': '-L', '--get': '-G', '--head': '-I', '--ipv4': '-4', '--ipv6': '-6', '--form': '-F', '--form-string': '-F', '--upload-file': '-T',
};

/** What says how curl shows or keeps the answer: of no matter here, and nobody needs to be told. */
const SHOWS = new Set([...'sSvifN#gjJORaqpl0Z'].map((sign) => `-${sign}`).concat('--silent', '--show-error', '--verbose', '--include', '--fail', '--fail-with-body', '--no-buffer', '--progress-bar', '--globoff', '--remote-name', '--remote-header-name', '--no-progress-meter', '--basic', '--path-as-is'));
const SHOWS_BY = new Set(['-o', '-w', '-D', '-c', '--output', '--write-out', '--dump-header', '--cookie-jar', '--trace', '--trace-ascii', '--stderr']);

/** Other options that have a value, which must not be taken for a URL. */
const UNTAKEN = new Set([
  '-C', '-E', '-K', '-P', '-Q', '-T', '-U', '-Y', '-h', '-t', '-y', '-z', '-F', '--abstract-unix-socket', '--aws-sigv4', '--cacert', '--capath', '--cert', '--cert-type', '--ciphers', '--config', '--connect-timeout', '--continue-at', '--crlfile', '--curves', '--delegation', '--dns-servers', '--doh-url', '--expect100-timeout', '--interface',
  '--keepalive-time', '--key', '--key-type', '--limit-rate', '--local-port', '--max-filesize', '--netrc-file', '--noproxy', '--parallel-max', '--pass', '--pinnedpubkey', '--preproxy', '--proto', '--proto-default', '--proto-redir', '--proxy-header', '--proxy-user', '--quote', '--rate', '--request-target', '--resolve', '--retry', '--retry-delay', '--retry-max-time', '--service-name',
  '--socks4', '--socks4a', '--socks5', '--socks5-hostname', '--speed-limit', '--speed-time', '--telnet-option', '--time-cond', '--tls-max', '--tls13-ciphers', '--unix-socket', '--url-query', '--variable',
]);

function read(words: string[], request: Request): void {
  let at = 0;
  let onlyUrls = false;
  const take = (name: string, value: string | undefined, attached?: string): void => {
    const known = SAME[name] ?? name;
    const given = attached ?? value;
    if (given === undefined) throw new Error(`${name} has no value`);
    if (attached === undefined) at++;
    if (VALUES[known]) VALUES[known](request, given);
    else if (known === '-F') request.note('A form (-F) is not taken: write it into the JSON as form, or give a body');
    else if (!SHOWS_BY.has(known)) request.passOver(name);
  };
  while (at < words.length) {
    const word = words[at++]!;
    if (onlyUrls || word === '-' || !word.startsWith('-')) request.url(word);
    else if (word === '--') onlyUrls = true;
    else if (word.startsWith('--')) {
      const [name, attached] = word.includes('=') ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] : [word, undefined];
      const known = SAME[name] ?? name;
      if (VALUES[known] || SHOWS_BY.has(known) || UNTAKEN.has(known)) take(name, words[at], attached);
      else if (FLAGS[known]) FLAGS[known](request);
      else if (!SHOWS.has(known)) request.passOver(name);
    } else {
      // Short options stand together, and the last of them may have its value at once: -sSLXPOST.
      for (let place = 1; place < word.length; place++) {
        const name = `-${word[place]}`;
        if (VALUES[name] || SHOWS_BY.has(name) || UNTAKEN.has(name)) {
          const attached = word.slice(place + 1);
          take(name, words[at], attached === '' ? undefined : attached);
          break;
        }
        if (FLAGS[name]) FLAGS[name](request);
        else if (!SHOWS.has(name)) request.passOver(name);
      }
    }
  }
}

/** Headers that the generator sets itself. */
const FRAMING = new Set(['content-length', 'transfer-encoding', 'trailer', 'te', 'expect', 'connection', 'upgrade', 'keep-alive', 'proxy-connection', 'http2-settings']);
const FORM = 'application/x-www-form-urlencoded';

/** What is gathered of a line until all of it is known. */
class Request {
  method: string | null = null;
  user: string | null = null;
  isQuery = false;
  readonly fields: Doc = {};
  private target: string | null = null;
  private readonly headers: [name: string, value: string][] = [];
  private readonly taken = new Set<string>();
  private readonly cookies: string[] = [];
  private body: string | null = null;
  private isJson = false;
  private readonly notes: string[] = [];
  private readonly passed: string[] = [];

  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  passOver(option: string): void {
    if (!this.passed.includes(option)) this.passed.push(option);
  }

  url(url: string): void {
    if (this.target === null) this.target = url;
    else this.note(`Only the first URL is taken; passed over: ${url}`);
  }

  number(field: string, option: string, value: string): void {
    const amount = Number(value);
    if (value.trim() !== '' && Number.isFinite(amount)) this.fields[field] = amount;
    else this.passOver(option);
  }

  header(line: string): void {
    const found = /^([^:;]+)(?:: *(.*)|;\s*)$/s.exec(line);
    if (line.startsWith('@')) this.note(`Headers from a file are not taken: ${line}`);
    if (!found || line.startsWith('@')) return;
    const name = found[1]!.trim();
    const value = found[2]?.trim();
    this.taken.add(name.toLowerCase());
    // "Name:" asks curl to leave its own header away, "Name;" for one that is empty.
    if (value === '') return;
    if (FRAMING.has(name.toLowerCase())) this.note(`The header ${name} is set by the load generator, and left out`);
    else this.headers.push([name, value ?? '']);
  }

  /** A header that an option stands for; one of -H counts more. */
  other(name: string, value: string): void {
    if (!this.taken.has(name.toLowerCase())) this.headers.push([name, value]);
  }

  cookie(value: string): void {
    if (value.includes('=')) this.cookies.push(value.trim());
    else this.note(`Cookies from a file are not taken: ${value}`);
  }

  data(value: string, mayBeFile: boolean): void {
    if (mayBeFile && value.startsWith('@')) {
      this.note(`A body from a file is not taken: paste what is in ${value.slice(1)} as the body`);
      this.body ??= '';
    } else this.body = this.body ? `${this.body}&${value}` : value;
  }

  json(value: string): void {
    this.isJson = true;
    if (value.startsWith('@')) this.data(value, true);
    else this.body = (this.body ?? '') + value;
  }

  encoded(value: string): void {
    const [, name, sign, content] = /^([^=@]*)([=@]?)(.*)$/s.exec(value)!;
    if (sign === '@') this.note(`A body from a file is not taken: ${content}`);
    else this.data(sign === '=' ? `${name ? `${name}=` : ''}${encodeURIComponent(content!)}` : encodeURIComponent(value), false);
  }

  made(): FromCurl {
    if (this.target === null) throw new Error('There is no URL in this line');
    const { url, user } = whole(this.target);
    const defaults: [string, string][] = [];
    if (this.isJson) defaults.push(['Content-Type', 'application/json'], ['Accept', 'application/json']);
    else if (this.body !== null && !this.isQuery) defaults.push(['Content-Type', FORM]);
    const login = this.user ?? user;
    if (login !== null) defaults.push(['Authorization', `Basic ${base64(login)}`]);
    if (this.cookies.length > 0) defaults.push(['Cookie', this.cookies.join('; ')]);
    for (const [name, value] of defaults) this.other(name, value);
    if (login !== null && !login.includes(':')) this.note('curl would ask for the password; here it is empty');
    if (this.passed.length > 0) this.note(`Passed over: ${this.passed.join(', ')}`);
    const headers: Doc = {};
    for (const [name, value] of this.headers) {
      const same = Object.keys(headers).find((other) => other.toLowerCase() === name.toLowerCase());
      if (same === undefined) headers[name] = value;
      else headers[same] = [headers[same]!, value].flat();
    }
    const targetUrl = this.isQuery && this.body ? withQuery(url, this.body) : url;
    const body = this.isQuery ? null : this.body;
    const method = this.method ?? (body === null ? null : 'POST');
    return {
      document: {
        name: targetUrl.slice(0, 200),
        targetUrl,
        ...(method !== null && method !== 'GET' && { method }),
        ...(isObject(headers) && Object.keys(headers).length > 0 && { headers }),
        ...(body !== null && body !== '' && { body }),
        ...this.fields,
      },
      notes: this.notes,
    };
  }
}

const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** A URL with its scheme; who it names before the host goes into a header. Nothing of a fragment is sent. */
function whole(written: string): { url: string; user: string | null } {
  const url = (/^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? written : `http://${written}`).replace(/#.*$/s, '');
  const found = /^([a-z][a-z0-9+.-]*:\/\/)([^/?@]*)@(.*)$/is.exec(url);
  if (!found) return { url, user: null };
  let user = found[2]!;
  try {
    user = decodeURIComponent(user);
  } catch {
    // It stays as it is written.
  }
  return { url: `${found[1]}${found[3]}`, user };
}

const withQuery = (url: string, data: string): string => `${url}${url.includes('?') ? '&' : '?'}${data}`;
