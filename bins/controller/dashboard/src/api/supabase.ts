// Turns what a person gives to sign in into a session, by the calls of Supabase's auth API.
import type { Kept } from './kept';
import { claims } from './kept';
import { Over } from './session';

/** How long an answer is awaited. */
const PATIENCE_MS = 20_000;

/** Where one may sign in. */
export interface SignInAt {
  url: string;
  publishableKey: string;
}

/** The sign-in said no, or did not answer (`status` 0). */
export class SignInError extends Error {
  readonly status: number;
  /** Supabase's word for it; empty where it has none. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'SignInError';
    [this.status, this.code] = [status, code];
  }
}

/** What can be signed in with. */
export interface Ways {
  email: boolean;
  /** Names of services that are gone to: github, google. */
  providers: string[];
}

interface Answer {
  access_token: string;
  refresh_token?: string;
  expires_in?: number;
  user?: { email?: string };
}

const auth = (at: SignInAt, path: string): string => `${at.url.replace(/\/+$/, '')}/auth/v1${path}`;

async function ask<T>(at: SignInAt, path: string, body?: unknown, token?: string): Promise<T> {
  const headers: Record<string, string> = { apikey: at.publishableKey, 'Content-Type': 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  let response: Response;
  try {
    response = await fetch(auth(at, path), { method: body === undefined ? 'GET' : 'POST', headers, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(PATIENCE_MS), cache: 'no-store', credentials: 'omit' });
  } catch {
    throw new SignInError(0, 'unreachable', `The sign-in at ${new URL(at.url).host} does not answer. Try again in a while.`);
  }
  const said = (await response.json().catch(() => null)) as Record<string, unknown> | null;
  if (response.ok) return said as T;
  const text = [said?.msg, said?.message, said?.error_description, said?.error].find((part) => typeof part === 'string');
  const code = [said?.error_code, said?.error].find((part) => typeof part === 'string');
  throw new SignInError(response.status, String(code ?? ''), String(text ?? `The sign-in answered ${response.status}.`));
}

/** A session of what was answered; its end is counted from now, for the browser's clock may be wrong. */
export function sessionOf(answer: Answer, now = Date.now()): Kept {
  if (typeof answer?.access_token !== 'string') throw new SignInError(200, 'unreadable', 'The sign-in gave no token.');
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token ?? null,
    endsAt: typeof answer.expires_in === 'number' ? now + answer.expires_in * 1000 : null,
    email: answer.user?.email ?? claims(answer.access_token).email ?? null,
  };
}

export async function ways(at: SignInAt): Promise<Ways> {
  const { external } = await ask<{ external?: Record<string, boolean> }>(at, '/settings');
  const on = Object.entries(external ?? {}).filter(([, offered]) => offered === true).map(([name]) => name);
  // These three are not gone to: mail and telephone are asked here, and nobody is anonymous on a platform.
  return { email: on.includes('email'), providers: on.filter((name) => !['email', 'phone', 'anonymous_users'].includes(name)).sort() };
}

export const withPassword = async (at: SignInAt, email: string, password: string): Promise<Kept> =>
  sessionOf(await ask<Answer>(at, '/token?grant_type=password', { email, password }));

/** Has a link sent. Nobody is made a user by it: who may sign in is decided in Supabase. */
export const sendLink = (at: SignInAt, email: string, backTo: string, challenge: string): Promise<unknown> =>
  ask(at, `/otp?redirect_to=${encodeURIComponent(backTo)}`, { email, create_user: false, code_challenge: challenge, code_challenge_method: 's256' });

/** Where the browser goes to sign in with another service. */
export const authorizeAddress = (at: SignInAt, provider: string, backTo: string, challenge: string): string =>
  auth(at, `/authorize?${new URLSearchParams({ provider, redirect_to: backTo, code_challenge: challenge, code_challenge_method: 's256' })}`);

/** What came back with the browser, and what was kept here, make a session. */
export const withCode = async (at: SignInAt, code: string, verifier: string): Promise<Kept> =>
  sessionOf(await ask<Answer>(at, '/token?grant_type=pkce', { auth_code: code, code_verifier: verifier }));

export async function refresh(at: SignInAt, refreshToken: string): Promise<Kept> {
  try {
    return sessionOf(await ask<Answer>(at, '/token?grant_type=refresh_token', { refresh_token: refreshToken }));
  } catch (error) {
    const final = error instanceof SignInError && error.status >= 400 && error.status < 500 && error.status !== 429;
    throw final ? new Over(`Your session is over (${error.message}). Sign in again.`) : error;
  }
}

/** Ends the session there, of this browser alone. Where that is not heard its refresh token ends by itself. */
export const signOut = (at: SignInAt, accessToken: string): Promise<unknown> => ask(at, '/logout?scope=local', {}, accessToken);
