// Tells in passing what came of a wish: at the edge of the screen, for some seconds; what failed stays until it is closed.
import { useSyncExternalStore } from 'react';
import { Button } from './Button';
import { Icon } from './Icon';
import styles from './Toasts.module.css';

interface Toast {
  id: number;
  tone: 'good' | 'bad';
  text: string;
}

const SECONDS = 5;
const MOST = 4;
let toasts: readonly Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

function change(to: readonly Toast[]): void {
  toasts = to;
  for (const listener of listeners) listener();
}

const close = (id: number) => change(toasts.filter((toast) => toast.id !== id));

export function tell(text: string, tone: 'good' | 'bad' = 'good'): void {
  const id = ++last;
  change([...toasts.slice(-(MOST - 1)), { id, tone, text }]);
  if (tone === 'good') setTimeout(() => close(id), SECONDS * 1000);
}

/** What went wrong, in the error's own words. */
export const tellError = (error: unknown): void => tell(error instanceof Error ? error.message : String(error), 'bad');

export function Toasts() {
  const shown = useSyncExternalStore((listener) => (listeners.add(listener), () => listeners.delete(listener)), () => toasts);
  return (
    <div className={styles.toasts} role="status" aria-live="polite">
      {shown.map(({ id, tone, text }) => (
        <div key={id} className={`${styles.toast} ${styles[tone]}`}>
          <Icon name={tone} />
          <span>{text}</span>
          <Button kind="quiet" small icon="bad" aria-label="Close" onClick={() => close(id)} />
        </div>
      ))}
    </div>
  );
}
