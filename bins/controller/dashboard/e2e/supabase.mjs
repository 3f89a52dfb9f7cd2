// Speaks as much of Supabase's auth API as the dashboard uses, for tests and for trying by hand.
//
//   node e2e/supabase.mjs [--port 9999] [--expires 3600]
//   loadcore-controller --supabase-url http://127.0.0.1:9999 --supabase-publishable-key anything
//
// Users are ann@example.com, bob@example.com and root@example.com (an admin), each with the password `secret`. Mail goes to
// GET /mail/ADDRESS, which answers the newest link. Nothing is kept, and nothing of it is for real use.
import { createHash, createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const USERS = [
  { id: '11111111-1111-4111-8111-111111111111', email: 'ann@example.com' },
  { id: '22222222-2222-4222-8222-222222222222', email: 'bob@example.com' },
  { id: '99999999-9999-4999-8999-999999999999', email: 'root@example.com', role: 'admin' },
];
const PASSWORD = 'secret';
export const KEY = 'sb_publishable_test';

/** Starts one; `expires` is how long an access token is good, in seconds. Answers `{url, log, mail, revokeAll, setExpires, close}`. */
export async function startSupabase({ port = 0, expires = 3600, host = '127.0.0.1' } = {}) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'test-1', use: 'sig', alg: 'ES256', key_ops: ['verify'] };
  const refreshTokens = new Map(); // its text -> {user, used}
  const codes = new Map(); // auth code -> {user, challenge}
  const mails = new Map(); // address -> link
  const log = []; // what was asked: 'password', 'refresh', 'pkce', 'otp', 'logout', 'authorize', 'verify'
  let base = '';
  let issued = 0;

  const jwt = (payload) => {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const said = `${part({ alg: 'ES256', kid: jwk.kid, typ: 'JWT' })}.${part(payload)}`;
    return `${said}.${sign('sha256', Buffer.from(said), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };

  const accessToken = (user, over = {}) => {
    const now = Math.floor(Date.now() / 1000);
    return jwt({ iss: `${base}/auth/v1`, sub: user.id, aud: 'authenticated', role: 'authenticated', email: user.email, iat: now, exp: now + expires,
      app_metadata: { provider: 'email', ...(user.role ? { role: user.role } : {}) }, user_metadata: {}, session_id: `session-${++issued}`, ...over });
  };

  const grant = (user) => {
    const refresh = randomBytes(12).toString('base64url');
    refreshTokens.set(refresh, { user, used: false });
    return { access_token: accessToken(user), token_type: 'bearer', expires_in: expires, expires_at: Math.floor(Date.now() / 1000) + expires, refresh_token: refresh, user: { id: user.id, email: user.email, aud: 'authenticated', role: 'authenticated' } };
  };

  const code = (user, challenge) => {
    const text = randomBytes(12).toString('hex');
    codes.set(text, { user, challenge });
    return text;
  };

  const calls = {
    'GET /auth/v1/settings': () => [200, { external: { email: true, phone: false, github: true, google: true, apple: false, anonymous_users: false }, disable_signup: true, mailer_autoconfirm: false }],
    'GET /auth/v1/.well-known/jwks.json': () => [200, { keys: [jwk] }],
    'POST /auth/v1/token': ({ query, body }) => {
      const kind = query.get('grant_type');
      log.push({ password: 'password', refresh_token: 'refresh', pkce: 'pkce' }[kind] ?? kind);
      if (kind === 'password') {
        const user = USERS.find(({ email }) => email === body.email);
        return user && body.password === PASSWORD ? [200, grant(user)] : fault(400, 'invalid_credentials', 'Invalid login credentials');
      }
      if (kind === 'refresh_token') {
        const known = refreshTokens.get(body.refresh_token);
        if (!known) return fault(400, 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found');
        if (known.used) return fault(400, 'refresh_token_already_used', 'Invalid Refresh Token: Already Used');
        known.used = true;
        return [200, grant(known.user)];
      }
      if (kind === 'pkce') {
        const known = codes.get(body.auth_code);
        codes.delete(body.auth_code);
        if (!known) return fault(404, 'flow_state_not_found', 'invalid flow state, no valid flow state found');
        const challenge = createHash('sha256').update(String(body.code_verifier)).digest('base64url');
        return challenge === known.challenge ? [200, grant(known.user)] : fault(400, 'bad_code_verifier', 'code challenge does not match previously saved code verifier');
      }
      return fault(400, 'validation_failed', 'unsupported_grant_type');
    },
    'POST /auth/v1/otp': ({ query, body }) => {
      log.push('otp');
      const user = USERS.find(({ email }) => email === body.email);
      if (!user) return body.create_user === false ? fault(422, 'otp_disabled', 'Signups not allowed for otp') : [200, {}];
      if (body.code_challenge_method !== 's256') return fault(400, 'validation_failed', 'code challenge method is not s256');
      const token = randomBytes(12).toString('hex');
      codes.set(`mail:${token}`, { user, challenge: body.code_challenge });
      mails.set(user.email, `${base}/auth/v1/verify?type=magiclink&token=${token}&redirect_to=${encodeURIComponent(query.get('redirect_to') ?? '')}`);
      return [200, {}];
    },
    'GET /auth/v1/verify': ({ query }) => {
      log.push('verify');
      const back = new URL(query.get('redirect_to'));
      const known = codes.get(`mail:${query.get('token')}`);
      codes.delete(`mail:${query.get('token')}`);
      if (known) back.searchParams.set('code', code(known.user, known.challenge));
      else back.hash = 'error=access_denied&error_code=otp_expired&error_description=Email+link+is+invalid+or+has+expired';
      return [302, null, back.href];
    },
    // The service that is gone to asks nothing: github is ann, google is bob, and ?deny=1 says no.
    'GET /auth/v1/authorize': ({ query }) => {
      log.push('authorize');
      const back = new URL(query.get('redirect_to'));
      const user = { github: USERS[0], google: USERS[1] }[query.get('provider')];
      if (!user || denies) back.search = `?${new URLSearchParams({ error: 'access_denied', error_description: 'The user has denied access' })}`;
      else back.searchParams.set('code', code(user, query.get('code_challenge')));
      return [302, null, back.href];
    },
    'POST /auth/v1/logout': ({ token }) => {
      log.push('logout');
      const sub = token && JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString() || '{}').sub;
      if (!sub) return fault(401, 'no_authorization', 'This endpoint requires a Bearer token');
      for (const [text, { user }] of refreshTokens) if (user.id === sub) refreshTokens.delete(text);
      return [204, null];
    },
  };
  let denies = false;

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, base);
    const origin = request.headers.origin;
    const headers = origin ? { 'access-control-allow-origin': origin, 'access-control-allow-headers': 'authorization, apikey, content-type', 'access-control-allow-methods': 'GET, POST', vary: 'origin' } : {};
    const say = (status, body, location) => {
      response.writeHead(status, { ...headers, ...(body ? { 'content-type': 'application/json' } : {}), ...(location ? { location } : {}) });
      response.end(body ? JSON.stringify(body) : undefined);
    };
    if (request.method === 'OPTIONS') return say(204, null);
    if (url.pathname.startsWith('/mail/')) return say(200, { link: mails.get(decodeURIComponent(url.pathname.slice(6))) ?? null });
    const call = calls[`${request.method} ${url.pathname}`];
    if (!call) return say(...fault(404, 'not_found', 'no such path'));
    // Browsers that navigate, and who fetches the keys, bring none.
    const open = ['/auth/v1/verify', '/auth/v1/authorize', '/auth/v1/.well-known/jwks.json'].includes(url.pathname);
    if (!open && request.headers.apikey !== KEY) return say(401, { message: 'No API key found in request' });
    const text = await new Promise((resolve) => { let all = ''; request.on('data', (part) => (all += part)).on('end', () => resolve(all)); });
    let body = {};
    try { body = text ? JSON.parse(text) : {}; } catch { return say(...fault(400, 'bad_json', 'Could not read the body')); }
    say(...call({ query: url.searchParams, body, token: request.headers.authorization?.replace(/^Bearer /, '') }));
  });
  await new Promise((resolve) => server.listen(port, host, resolve));
  base = `http://${host}:${server.address().port}`;

  return {
    url: base,
    log,
    users: USERS,
    mail: (address) => mails.get(address) ?? null,
    /** A token as the project would give it, with other claims: to be refused by. */
    token: (email, over) => accessToken(USERS.find((user) => user.email === email), over),
    /** One that somebody else signed. */
    forged: (email) => {
      const [head, body] = accessToken(USERS.find((user) => user.email === email)).split('.');
      return `${head}.${body}.${createHmac('sha512', 'x').update(body).digest('base64url')}`;
    },
    /** Ends all sessions: their refresh tokens are good no more. */
    revokeAll: () => refreshTokens.clear(),
    setExpires: (seconds) => (expires = seconds),
    setDenies: (to) => (denies = to),
    close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }),
  };
}

const fault = (status, error_code, msg) => [status, { code: status, error_code, msg }];

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const option = (name, otherwise) => { const at = process.argv.indexOf(name); return at < 0 ? otherwise : Number(process.argv[at + 1]); };
  const { url } = await startSupabase({ port: option('--port', 9999), expires: option('--expires', 3600) });
  console.log(`speaks Supabase's auth API at ${url}, with the publishable key ${KEY}; users ${USERS.map(({ email }) => email).join(', ')}; password ${PASSWORD}`);
}
