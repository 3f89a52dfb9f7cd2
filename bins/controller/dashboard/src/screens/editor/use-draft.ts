// Keeps the text that is being edited: what it was, what it is, and over a reload of the page what it had become.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { read, write, type Doc, type Read } from './document';

export interface Draft {
  text: string;
  read: Read;
  isChanged: boolean;
  /** It came back after the page was loaded anew. */
  isRestored: boolean;
  /** Of which revision it is a change: that of when it was begun. */
  revision: number;
  setText: (text: string) => void;
  /** Another document; nothing while the text cannot be read. */
  update: (change: (document: Doc) => Doc) => void;
  /** From now on this is what is kept, and nothing is changed. */
  settle: (document: Doc, revision: number) => void;
  /** Back to what is kept. */
  discard: () => void;
}

const PREFIX = 'loadcore.draft.';

interface Kept {
  revision: number;
  text: string;
}

function kept(key: string): Kept | null {
  try {
    const found = JSON.parse(sessionStorage.getItem(PREFIX + key) ?? 'null') as Partial<Kept> | null;
    return typeof found?.text === 'string' && typeof found.revision === 'number' ? { text: found.text, revision: found.revision } : null;
  } catch {
    return null;
  }
}

function keep(key: string, draft: Kept | null): void {
  try {
    if (draft === null) sessionStorage.removeItem(PREFIX + key);
    else sessionStorage.setItem(PREFIX + key, JSON.stringify(draft));
  } catch {
    // A browser that keeps nothing forgets it with the page.
  }
}

export const forgetDraft = (key: string): void => keep(key, null);

/** `key` says whose draft it is; `from` is the document that it begins with, in its `revision`. */
export function useDraft(key: string, from: Doc, revision = 0): Draft {
  const [back] = useState(() => kept(key));
  const [base, setBase] = useState(() => ({ text: write(from), revision }));
  const [now, setNow] = useState(() => back ?? base);
  const [isRestored, setRestored] = useState(back !== null && back.text !== base.text);
  const latest = useRef(now.text);
  latest.current = now.text;
  const isChanged = now.text !== base.text;
  useEffect(() => keep(key, isChanged ? now : null), [key, now, isChanged]);

  const setText = useCallback((text: string) => {
    latest.current = text;
    setNow((old) => ({ ...old, text }));
  }, []);
  const update = useCallback((change: (document: Doc) => Doc) => {
    // Two changes may come before the screen is drawn again.
    const { document } = read(latest.current);
    if (document !== null) setText(write(change(document)));
  }, [setText]);
  const settle = useCallback((document: Doc, of: number) => {
    const settled = { text: write(document), revision: of };
    setBase(settled);
    setNow(settled);
    setRestored(false);
  }, []);
  const discard = useCallback(() => {
    setNow(base);
    setRestored(false);
    // Whoever leaves does not wait until the screen is drawn again.
    keep(key, null);
  }, [key, base]);
  return { text: now.text, revision: now.revision, read: useMemo(() => read(now.text), [now.text]), isChanged, isRestored: isRestored && isChanged, setText, update, settle, discard };
}
