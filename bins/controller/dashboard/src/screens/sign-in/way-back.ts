// Turns the address that somebody came from into one of this page, whoever wrote it.

/** The whole address of `to` where that is a part of this page, else of its first screen. */
export function wayBack(to: string | null | undefined, origin: string): string {
  const home = `${origin}/`;
  if (!to?.startsWith('/')) return home;
  try {
    // The browser's own reading decides: it takes `/\\other` and `//other` for other sites.
    const url = new URL(to, origin);
    return url.origin === origin && url.pathname !== '/sign-in' ? url.href : home;
  } catch {
    return home;
  }
}

/** What a sign-in elsewhere says in the address it comes back to, before `#` or behind it; null where it says nothing. */
export function errorOf(search: { error?: string; error_description?: string }, hash: string): string | null {
  const behind = new URLSearchParams(hash.replace(/^#/, ''));
  const error = search.error ?? behind.get('error');
  if (!error) return null;
  if (behind.get('error_code') === 'otp_expired') return 'This link was used already, or is too old. Ask for another one.';
  return search.error_description ?? behind.get('error_description') ?? error;
}
