// Turns what somebody typed as a target into the URL that is meant.

/** As it is sent: whole, without what a shell would read; null for what is none. A host alone is meant as https. */
export function readTarget(text: string): string | null {
  const given = text.trim();
  if (given === '') return null;
  try {
    const url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `https://${given}`);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href.replaceAll("'", '%27') : null;
  } catch {
    return null;
  }
}
