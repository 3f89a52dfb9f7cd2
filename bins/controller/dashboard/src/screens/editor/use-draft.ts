// Keeps the text that is being edited: what it was, what it is, and over a reload of the page what it had become.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { read, write, type Doc, type Read } from './document';

export interface Draft {
  text: string;
  read: Read;
  isChanged: boolean;
  /** It came back after the page was loaded anew. */
  isRestored: boolean;
  setText: (text: string) => void;
  /** Another document; nothing while the text cannot be read. */
  update: (change: (document: Doc) => Doc) => void;
  /** From now on this is what is kept, and nothing is changed. */
  settle: (document: Doc) => void;
  /** Back to what is kept. */
  discard: () => void;
}

const PREFIX = 'loadcore.draft.';

function kept(key: string): string | null {
  try {
    return sessionStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

function keep(key: string, text: string | null): void {
  try {
    if (text === null) sessionStorage.removeItem(PREFIX + key);
    else sessionStorage.setItem(PREFIX + key, text);
  } catch {
    // A browser that keeps nothing forgets it with the page.
  }
}

export const forgetDraft = (key: string): void => keep(key, null);

/** `key` says whose draft it is; `from` is the document that it begins with. */
export function useDraft(key: string, from: Doc): Draft {
  const [base, setBase] = useState(() => write(from));
  const [text, setText] = useState(() => kept(key) ?? base);
  const [isRestored, setRestored] = useState(() => text !== base);
  const latest = useRef(text);
  latest.current = text;
  const isChanged = text !== base;
  useEffect(() => keep(key, isChanged ? text : null), [key, text, isChanged]);

  const update = useCallback((change: (document: Doc) => Doc) => {
    const { document } = read(latest.current);
    if (document === null) return;
    // Two changes may come before the screen is drawn again.
    latest.current = write(change(document));
    setText(latest.current);
  }, []);
  const settle = useCallback((document: Doc) => {
    const settled = write(document);
    setBase(settled);
    setText(settled);
    setRestored(false);
    keep(key, null);
  }, [key]);
  const discard = useCallback(() => {
    setText(base);
    setRestored(false);
  }, [base]);
  return { text, read: useMemo(() => read(text), [text]), isChanged, isRestored: isRestored && isChanged, setText, update, settle, discard };
}
