// Holds how answers are read, and what becomes of a token that is refused.
import { ApiError, call } from './client';
import { session } from './session';

afterEach(() => vi.unstubAllGlobals());
const answering = (...answers: Response[]) => vi.stubGlobal('fetch', vi.fn(async () => answers.shift()));

test('an answer without a body is nothing, whatever its status', async () => {
  answering(new Response(null, { status: 204 }), new Response('', { status: 201 }), new Response('', { status: 200 }));
  expect([await call('/a'), await call('/a'), await call('/a')]).toEqual([null, null, null]);
});

test('what is no JSON is told', async () => {
  answering(new Response('<html>', { status: 200 }));
  await expect(call('/a')).rejects.toMatchObject({ kind: 'unreadable' });
});

test('a problem has its kind, its words and its faults', async () => {
  answering(new Response(JSON.stringify({ type: 'urn:loadcore:problem:invalid-body', title: 'The body is not valid', status: 422, detail: 'name: is missing', faults: [{ path: 'name', message: 'is missing' }] }), { status: 422 }));
  const error = await call('/a').catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 422, kind: 'invalid-body', title: 'The body is not valid', message: 'name: is missing', faults: [{ path: 'name' }] });
});

test('403 is told, and ends no session; 401 ends it, and nothing more is asked', async () => {
  session.ask(null);
  session.set({ accessToken: 'a', refreshToken: null, endsAt: null, email: null });
  answering(new Response('{}', { status: 403 }), new Response(JSON.stringify({ detail: 'it is past' }), { status: 401 }));
  await expect(call('/a')).rejects.toMatchObject({ status: 403 });
  expect(session.state).toBe('in');
  await expect(call('/a')).rejects.toMatchObject({ status: 401 });
  expect([session.state, session.refusal]).toEqual(['out', 'it is past']);
  await expect(call('/a')).rejects.toMatchObject({ status: 401 });
  expect(fetch).toHaveBeenCalledTimes(2);
});
