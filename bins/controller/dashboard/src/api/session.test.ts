// Holds how a session begins, is renewed, is shared by tabs, and ends.
import { claims, parse, read, write, type Kept } from './kept';
import { Over, Session } from './session';

const HOUR = 3_600_000;
const kept = (accessToken: string, over: Partial<Kept> = {}): Kept => ({ accessToken, refreshToken: `${accessToken}-refresh`, endsAt: Date.now() + HOUR, email: 'ann@example.com', ...over });

beforeEach(() => {
  localStorage.clear();
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

/** One that is told at once to ask for a sign-in. */
const asking = (refresh: ((token: string) => Promise<Kept>) | null = null): Session => {
  const session = new Session();
  session.startBy(async () => session.ask(refresh));
  return session;
};

test('who needs no sign-in is asked for none, whatever is kept', async () => {
  write(kept('a'));
  const session = new Session();
  session.startBy(async () => session.open());
  expect([await session.token(), session.state]).toEqual([null, 'open']);
});

test('a token is waited for until it is known whether one is needed', async () => {
  write(kept('a'));
  const session = new Session();
  let know = (): void => undefined;
  session.startBy(() => new Promise((resolve) => { know = () => { session.ask(null); resolve(); }; }));
  let got: string | null | undefined;
  const asked = session.token().then((token) => { got = token; });
  await vi.advanceTimersByTimeAsync(1000);
  expect(got).toBeUndefined();
  know();
  await asked;
  expect(got).toBe('a');
});

test('a controller that could not be asked is asked again by who needs a token next', async () => {
  const session = new Session();
  let times = 0;
  session.startBy(async () => {
    times += 1;
    if (times === 1) throw new Error('away');
    session.open();
  });
  await vi.advanceTimersByTimeAsync(1);
  expect(await session.token()).toBeNull();
  expect(times).toBe(2);
});

test('a token is renewed before its end, without anybody asking', async () => {
  write(kept('a'));
  const refresh = vi.fn(async (token: string) => kept(`b-of-${token}`));
  const session = asking(refresh);
  await session.token();
  await vi.advanceTimersByTimeAsync(HOUR - 61_000);
  expect(refresh).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(2000);
  expect(refresh).toHaveBeenCalledOnce();
  expect(session.current).toBe('b-of-a-refresh');
  expect(read()?.accessToken).toBe('b-of-a-refresh');
});

test('several who find it at its end get one renewal', async () => {
  write(kept('a', { endsAt: Date.now() - 1000 }));
  const refresh = vi.fn(async () => kept('b'));
  const session = asking(refresh);
  expect(await Promise.all([session.token(), session.token(), session.token()])).toEqual(['b', 'b', 'b']);
  expect(refresh).toHaveBeenCalledOnce();
});

test('what another tab has renewed is taken, and not asked for again', async () => {
  write(kept('a'));
  const refresh = vi.fn(async () => kept('c'));
  const session = asking(refresh);
  await session.token();
  write(kept('b'));
  expect(await session.renew()).toBe(true);
  expect([session.current, refresh.mock.calls.length]).toEqual(['b', 0]);
});

test('a sign-in that does not answer ends nothing, and is asked again', async () => {
  write(kept('a'));
  const refresh = vi.fn(async () => kept('b')).mockRejectedValueOnce(new Error('away'));
  const session = asking(refresh);
  await session.token();
  await vi.advanceTimersByTimeAsync(HOUR - 59_000);
  expect([session.state, session.current]).toEqual(['in', 'a']);
  await vi.advanceTimersByTimeAsync(11_000);
  expect(session.current).toBe('b');
});

test('a session that is over says why, and nothing of it is kept', async () => {
  write(kept('a', { endsAt: Date.now() }));
  const session = asking(async () => { throw new Over('Your session is over.'); });
  const told = vi.fn();
  session.listen(told);
  expect(await session.token()).toBeNull();
  expect([session.state, session.refusal, read()]).toEqual(['out', 'Your session is over.', null]);
  expect(told).toHaveBeenCalled();
});

test('a refusal of a token that was replaced meanwhile ends nothing', async () => {
  write(kept('b'));
  const session = asking();
  await session.token();
  session.refused('a', 'it is past');
  expect(session.state).toBe('in');
  session.refused('b', 'it is past');
  expect([session.state, session.refusal, session.current]).toEqual(['out', 'it is past', null]);
});

test('a sign-out in another tab is one here', async () => {
  write(kept('a'));
  const session = asking();
  await session.token();
  write(null);
  window.dispatchEvent(new StorageEvent('storage', { key: 'loadcore.session', storageArea: localStorage }));
  expect(session.state).toBe('out');
});

test('what is kept is read as it was written, and what is damaged is nothing', () => {
  const one = kept('a');
  write(one);
  expect(read()).toEqual(one);
  expect([parse('{'), parse('null'), parse('{"accessToken":""}'), parse('{"accessToken":3}'), parse(null)]).toEqual([null, null, null, null, null]);
  expect(parse('{"accessToken":"a","endsAt":"soon"}')).toEqual({ accessToken: 'a', refreshToken: null, endsAt: null, email: null });
});

test('a token says who it is of; one that is no token says nothing', () => {
  const token = `x.${btoa(JSON.stringify({ sub: 'u', exp: 5, email: 'a@b' })).replaceAll('=', '')}.y`;
  expect(claims(token)).toEqual({ sub: 'u', exp: 5, email: 'a@b' });
  expect([claims('lc_abc'), claims('a.b.c'), claims('')]).toEqual([{}, {}, {}]);
});
