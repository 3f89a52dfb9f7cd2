// Copies a text, and says that it did.
import { useState } from 'react';
import { Button } from './Button';
import { tell } from './Toasts';

export function Copy({ text, label = 'Copy', small = true, children }: { text: string; label?: string; small?: boolean; children?: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      setTimeout(() => setDone(false), 1500);
    } catch {
      // Browsers refuse it on pages that came without TLS from another machine.
      tell('The browser does not let this page copy: mark the text and copy it by hand.', 'bad');
    }
  };
  return <Button kind="quiet" small={small} icon={done ? 'good' : 'copy'} aria-label={children ? undefined : label} onClick={copy}>{children && (done ? 'Copied' : children)}</Button>;
}
