// Keeps the secret that only who began a sign-in has, so that nobody else can end it (RFC 7636).

const KEY = 'loadcore.sign-in';
/** A link in a mail is good for an hour with Supabase. */
const LONGEST_MS = 3_600_000;

/** A sign-in that was begun here and goes on elsewhere. */
export interface Begun {
  verifier: string;
  /** Where one was. */
  to: string | null;
}

const base64url = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

/** Whether this browser can: not on a page without TLS from another machine. */
export const canBegin = (): boolean => globalThis.crypto?.subtle !== undefined;

export async function challengeOf(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
}

/**
 * Begins one, and answers its challenge. A service that is gone to comes back to this tab (`here`), and only this tab keeps the secret;
 * a link in a mail opens in another one, so that it is kept for the browser.
 */
export async function begin(to: string | null, where: 'here' | 'browser'): Promise<string> {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(48)));
  forget();
  const store = where === 'here' ? sessionStorage : localStorage;
  store.setItem(KEY, JSON.stringify({ verifier, to, at: Date.now() }));
  return challengeOf(verifier);
}

/** What was begun, once: whoever asks again gets nothing. */
export function take(now = Date.now()): Begun | null {
  const text = sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);
  forget();
  try {
    const { verifier, to, at } = JSON.parse(text ?? 'null') as { verifier: unknown; to: unknown; at: unknown };
    if (typeof verifier !== 'string' || typeof at !== 'number' || now - at > LONGEST_MS) return null;
    return { verifier, to: typeof to === 'string' ? to : null };
  } catch {
    return null;
  }
}

function forget(): void {
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
}
