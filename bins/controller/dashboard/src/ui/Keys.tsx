// Turns keys into wishes, and lists those that the screen has on `?`. Nothing happens while somebody types.
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { Dialog } from './Dialog';
import styles from './Keys.module.css';

interface Key {
  keys: string;
  says: string;
  run: () => void;
}

let known: readonly Key[] = [];
const listeners = new Set<() => void>();
const change = (to: readonly Key[]) => {
  known = to;
  for (const listener of listeners) listener();
};

/** A key of this screen, as `p` or as two after another, `g r`. */
export function useKey(keys: string, says: string, run: () => void): void {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    const key: Key = { keys, says, run: () => latest.current() };
    change([...known, key]);
    return () => change(known.filter((other) => other !== key));
  }, [keys, says]);
}

const isTyping = (target: EventTarget | null) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Listens for all keys, and shows them. Once, in the shell. */
export function Keys() {
  const [open, setOpen] = useState(false);
  const keys = useSyncExternalStore((listener) => (listeners.add(listener), () => listeners.delete(listener)), () => known);
  useKey('?', 'Show the keys', () => setOpen(true));
  useEffect(() => {
    let before = '';
    let at = 0;
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target) || document.querySelector('dialog[open]')) return;
      const pair = event.timeStamp - at < 1500 ? `${before} ${event.key}` : '';
      const found = known.findLast((key) => key.keys === pair) ?? known.findLast((key) => key.keys === event.key);
      [before, at] = [event.key, event.timeStamp];
      if (!found) return;
      event.preventDefault();
      before = '';
      found.run();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, []);
  return (
    <Dialog title="Keys" open={open} onClose={() => setOpen(false)}>
      <dl className={styles.keys}>
        {keys.map(({ keys: pair, says }) => (
          <div key={pair + says}>
            <dt>{pair.split(' ').map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{says}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
