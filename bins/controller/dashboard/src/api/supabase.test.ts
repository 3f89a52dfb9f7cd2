// Holds what Supabase is asked, how its answers are read, and that a secret is given out once.
import { begin, challengeOf, take } from './pkce';
import { Over } from './session';
import { authorizeAddress, refresh, sendLink, sessionOf, signOut, ways, withPassword } from './supabase';

const AT = { url: 'https://x.supabase.co/', publishableKey: 'key' };
const asked: { url: string; init: RequestInit }[] = [];
let answer: () => Response;

beforeEach(() => {
  asked.length = 0;
  localStorage.clear();
  sessionStorage.clear();
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    asked.push({ url, init });
    return answer();
  });
});
afterEach(() => vi.unstubAllGlobals());

const json = (body: unknown, status = 200) => () => new Response(JSON.stringify(body), { status });

test('a password is sent in the body, and its answer is a session that ends by this clock', async () => {
  answer = json({ access_token: 't', refresh_token: 'r', expires_in: 60, expires_at: 1, user: { email: 'a@b' } });
  const kept = await withPassword(AT, 'a@b', 'p');
  expect(asked[0]!.url).toBe('https://x.supabase.co/auth/v1/token?grant_type=password');
  expect(JSON.parse(String(asked[0]!.init.body))).toEqual({ email: 'a@b', password: 'p' });
  expect((asked[0]!.init.headers as Record<string, string>).apikey).toBe('key');
  expect(kept).toMatchObject({ accessToken: 't', refreshToken: 'r', email: 'a@b' });
  expect(sessionOf({ access_token: 't', expires_in: 60 }, 1000).endsAt).toBe(61_000);
});

test('what it says is told in its words', async () => {
  answer = json({ code: 400, error_code: 'invalid_credentials', msg: 'Invalid login credentials' }, 400);
  await expect(withPassword(AT, 'a', 'b')).rejects.toMatchObject({ status: 400, code: 'invalid_credentials', message: 'Invalid login credentials' });
  answer = () => { throw new TypeError('fetch failed'); };
  await expect(withPassword(AT, 'a', 'b')).rejects.toMatchObject({ status: 0, message: expect.stringContaining('x.supabase.co') });
  answer = () => new Response('<html>', { status: 502 });
  await expect(withPassword(AT, 'a', 'b')).rejects.toMatchObject({ status: 502 });
});

test('a refresh that is refused ends the session; one that could not be made does not', async () => {
  answer = json({ error_code: 'refresh_token_already_used', msg: 'Already Used' }, 400);
  await expect(refresh(AT, 'r')).rejects.toBeInstanceOf(Over);
  for (const status of [429, 500, 503]) {
    answer = json({ msg: 'later' }, status);
    await expect(refresh(AT, 'r')).rejects.not.toBeInstanceOf(Over);
  }
});

test('only what is offered is shown', async () => {
  answer = json({ external: { email: true, phone: true, google: true, github: true, apple: false, anonymous_users: true } });
  expect(await ways(AT)).toEqual({ email: true, providers: ['github', 'google'] });
  answer = json({});
  expect(await ways(AT)).toEqual({ email: false, providers: [] });
});

test('a link makes nobody a user, and comes back here', async () => {
  answer = json({});
  await sendLink(AT, 'a@b', 'https://here/sign-in', 'c');
  expect(asked[0]!.url).toBe('https://x.supabase.co/auth/v1/otp?redirect_to=https%3A%2F%2Fhere%2Fsign-in');
  expect(JSON.parse(String(asked[0]!.init.body))).toEqual({ email: 'a@b', create_user: false, code_challenge: 'c', code_challenge_method: 's256' });
});

test('signing out is of this browser alone; 204 has no body', async () => {
  answer = () => new Response(null, { status: 204 });
  await signOut(AT, 't');
  expect(asked[0]!.url).toContain('/logout?scope=local');
});

test('another service is gone to with a challenge and never with the secret', async () => {
  const challenge = await begin('/runs', 'here');
  const address = new URL(authorizeAddress(AT, 'github', 'https://here/sign-in', challenge));
  const begun = take()!;
  expect(Object.fromEntries(address.searchParams)).toEqual({ provider: 'github', redirect_to: 'https://here/sign-in', code_challenge: challenge, code_challenge_method: 's256' });
  expect(address.href).not.toContain(begun.verifier);
  expect(await challengeOf(begun.verifier)).toBe(challenge);
  expect(begun.to).toBe('/runs');
  expect(take()).toBeNull();
});

test('a secret is where it is needed, one at a time, and not for long', async () => {
  await begin(null, 'browser');
  expect([localStorage.length, sessionStorage.length]).toEqual([1, 0]);
  await begin(null, 'here');
  expect([localStorage.length, sessionStorage.length]).toEqual([0, 1]);
  expect(take(Date.now() + 3_700_000)).toBeNull();
});

test('the challenge is that of RFC 7636', async () => {
  expect(await challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
});
