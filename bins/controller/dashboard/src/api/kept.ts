// Turns a sign-in into what the browser keeps of it, and what is kept into a sign-in again.

const KEY = 'loadcore.session';

/** Who is signed in in this browser. */
export interface Kept {
  accessToken: string;
  /** Gets the next access token, once; null where the token was pasted and nothing renews it. */
  refreshToken: string | null;
  /** When the access token ends, by this browser's clock; null where nobody knows. */
  endsAt: number | null;
  email: string | null;
}

/** What the kept text says; null where it is none of ours. */
export function parse(text: string | null): Kept | null {
  if (!text) return null;
  try {
    const { accessToken, refreshToken, endsAt, email } = JSON.parse(text) as Record<keyof Kept, unknown>;
    if (typeof accessToken !== 'string' || accessToken === '') return null;
    return {
      accessToken,
      refreshToken: typeof refreshToken === 'string' ? refreshToken : null,
      endsAt: typeof endsAt === 'number' ? endsAt : null,
      email: typeof email === 'string' ? email : null,
    };
  } catch {
    return null;
  }
}

export function read(): Kept | null {
  try {
    return parse(localStorage.getItem(KEY));
  } catch {
    return null;
  }
}

/** A browser that keeps nothing forgets it with the page. */
export function write(kept: Kept | null): void {
  try {
    if (kept) localStorage.setItem(KEY, JSON.stringify(kept));
    else localStorage.removeItem(KEY);
  } catch {
    // As said.
  }
}

/** Tells what another tab of this browser has kept, or forgotten. */
export function onOtherTab(listener: (kept: Kept | null) => void): () => void {
  const heard = (event: StorageEvent) => {
    // Without a key all of it was deleted.
    if (event.storageArea === localStorage && (event.key === KEY || event.key === null)) listener(read());
  };
  addEventListener('storage', heard);
  return () => removeEventListener('storage', heard);
}

/** What a token says of itself, unverified: good enough to plan by, and the controller verifies it. */
export function claims(token: string): { sub?: string; exp?: number; email?: string } {
  try {
    const part = token.split('.')[1] ?? '';
    const bytes = Uint8Array.from(atob(part.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
    const said = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    return {
      sub: typeof said.sub === 'string' ? said.sub : undefined,
      exp: typeof said.exp === 'number' ? said.exp : undefined,
      email: typeof said.email === 'string' ? said.email : undefined,
    };
  } catch {
    return {};
  }
}
