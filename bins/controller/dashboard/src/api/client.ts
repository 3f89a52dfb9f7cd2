// Turns a call of the API into its answer, or into an error that people can read.
import { session } from './session';
import type { Fault } from './types';

export const API = '/api/v1';
/** How long an answer is awaited: the controller itself gives up after 30 s. */
const PATIENCE_MS = 35_000;

/** What went wrong with a call: a problem of the controller's, or none came. */
export class ApiError extends Error {
  /** 0 where no answer came at all. */
  readonly status: number;
  /** The word after `urn:loadcore:problem:`, or `unreachable`. */
  readonly kind: string;
  readonly title: string;
  readonly faults: Fault[];

  constructor(status: number, kind: string, title: string, detail: string, faults: Fault[] = []) {
    super(detail);
    this.name = 'ApiError';
    [this.status, this.kind, this.title, this.faults] = [status, kind, title, faults];
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface Options {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  query?: Query;
  /** Sent as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Sent in the place of the session's; null: none, for what is told to anybody. */
  token?: string | null;
}

/** The path with what is asked behind it; what is null, undefined or empty is not asked. */
export function address(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return `${API}${path}${given.length > 0 ? `?${search}` : ''}`;
}

/** The answer's JSON; null where it has none. */
export async function call<T>(path: string, options: Options = {}): Promise<T> {
  const response = await answer(path, options);
  const text = await response.text();
  // What was made or changed may have nothing to say of it.
  if (text === '') return null as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ApiError(response.status, 'unreadable', 'The answer cannot be read', 'The answer is no JSON: is this address a loadcore controller?');
  }
}

/** The answer as it stands. */
export const text = async (path: string, options: Options = {}): Promise<string> => (await answer(path, options)).text();

/** The answer as a file, under a name, for the reader to keep. */
export async function download(path: string, query: Query, name: string): Promise<void> {
  const response = await answer(path, { query });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function answer(path: string, options: Options): Promise<Response> {
  const own = options.token === undefined;
  let token = own ? await tokenOfSession() : options.token!;
  let response = await send(path, options, token);
  if (own && response.status === 401 && (await session.renew())) {
    // It ended on the way, and was renewed.
    token = session.current;
    response = await send(path, options, token);
  }
  if (response.ok) return response;
  const problem = await read(response);
  if (own && problem.status === 401) session.refused(token, problem.message);
  throw problem;
}

/** Where one is needed and there is none, nothing is asked. */
async function tokenOfSession(): Promise<string | null> {
  const token = await session.token();
  if (session.state === 'out') throw new ApiError(401, 'unauthorized', 'Nobody is signed in', session.refusal ?? 'Sign in to go on.');
  return token;
}

async function send(path: string, options: Options, token: string | null): Promise<Response> {
  const headers: Record<string, string> = { ...options.headers };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    return await fetch(address(path, options.query), {
      method: options.method ?? 'GET',
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal ? AbortSignal.any([options.signal, patience]) : patience,
      cache: 'no-store',
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    const late = patience.aborted;
    throw new ApiError(
      0,
      'unreachable',
      late ? 'The controller takes too long' : 'The controller cannot be reached',
      late ? `No answer came within ${PATIENCE_MS / 1000} s.` : 'Is it running? This page goes on by itself when it is back.',
    );
  }
}

async function read(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => null)) as Partial<{ type: string; title: string; detail: string; faults: Fault[] }> | null;
  const kind = problem?.type?.split(':').at(-1) ?? 'unknown';
  const title = problem?.title ?? `The controller answered ${response.status}`;
  return new ApiError(response.status, kind, title, problem?.detail ?? title, Array.isArray(problem?.faults) ? problem.faults : []);
}
