// Turns what somebody types into a text that is looked for, a moment after they have stopped; `/` goes to it.
import { useEffect, useRef, useState } from 'react';
import { Icon } from './Icon';
import { useKey } from './Keys';
import styles from './SearchField.module.css';

const PAUSE_MS = 250;

export function SearchField({ label, value, onSearch }: { label: string; value: string; onSearch: (text: string) => void }) {
  const [typed, setTyped] = useState(value);
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // What comes from elsewhere, as by the browser's way back, is shown.
  useEffect(() => setTyped(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  useKey('/', label, () => field.current?.select());
  const say = (text: string, later: boolean) => {
    setTyped(text);
    clearTimeout(timer.current);
    if (later) timer.current = setTimeout(() => onSearch(text.trim()), PAUSE_MS);
    else onSearch(text.trim());
  };
  return (
    <span className={styles.field}>
      <Icon name="search" />
      <input ref={field} type="search" aria-label={label} placeholder={label} autoComplete="off" spellCheck={false} maxLength={200} value={typed} onChange={(event) => say(event.target.value, true)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') say(typed, false);
          if (event.key === 'Escape') {
            say('', false);
            field.current?.blur();
          }
        }} />
      <kbd aria-hidden="true">/</kbd>
    </span>
  );
}
