// Opens a short list of choices below a button; closes by a choice, Escape, or a press elsewhere.
import { useEffect, useId, useLayoutEffect, useRef, useState, type CSSProperties, type ReactNode } from 'react';
import { Button } from './Button';
import type { IconName } from './Icon';
import styles from './Menu.module.css';

export interface Choice {
  label: string;
  says?: string;
  icon?: IconName;
  danger?: boolean;
  disabled?: boolean;
  onChoose: () => void;
}

/** Pixels between button and list; about how tall a choice is. */
const [GAP, ABOUT] = [4, 52];

export function Menu({ label, icon, choices, small, kind = 'plain', children }: { label: string; icon?: IconName; choices: Choice[]; small?: boolean; kind?: 'plain' | 'quiet'; children?: ReactNode }) {
  const [open, setOpen] = useState(false);
  const around = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    around.current?.querySelector<HTMLButtonElement>('[role=menuitem]:not(:disabled)')?.focus();
    const elsewhere = (event: Event) => !around.current?.contains(event.target as Node) && setOpen(false);
    document.addEventListener('pointerdown', elsewhere);
    return () => document.removeEventListener('pointerdown', elsewhere);
  }, [open]);
  // Tables cut off what reaches beyond them: the list lies on the screen, not in its place, and closes where that moves.
  const [place, setPlace] = useState<CSSProperties>();
  useLayoutEffect(() => {
    const button = around.current?.getBoundingClientRect();
    if (!open || !button) return;
    const right = Math.max(GAP, document.documentElement.clientWidth - button.right);
    const above = button.bottom + choices.length * ABOUT > window.innerHeight && button.top > window.innerHeight / 2;
    setPlace(above ? { right, bottom: window.innerHeight - button.top + GAP } : { right, top: button.bottom + GAP });
    const close = () => setOpen(false);
    window.addEventListener('scroll', close, { passive: true, capture: true });
    window.addEventListener('resize', close);
    return () => {
      window.removeEventListener('scroll', close, { capture: true });
      window.removeEventListener('resize', close);
    };
  }, [open, choices.length]);
  const keys = (event: React.KeyboardEvent) => {
    if (event.key === 'Escape') {
      setOpen(false);
      around.current?.querySelector('button')?.focus();
    }
    if (!open || (event.key !== 'ArrowDown' && event.key !== 'ArrowUp')) return;
    event.preventDefault();
    const items = [...(around.current?.querySelectorAll<HTMLButtonElement>('[role=menuitem]:not(:disabled)') ?? [])];
    const now = items.indexOf(document.activeElement as HTMLButtonElement);
    items.at((now + (event.key === 'ArrowDown' ? 1 : -1)) % items.length)?.focus();
  };
  return (
    <div className={styles.around} ref={around} onKeyDown={keys}>
      <Button kind={kind} small={small} icon={icon} aria-haspopup="menu" aria-expanded={open} aria-controls={id} aria-label={children ? undefined : label} onClick={() => setOpen(!open)}>{children}</Button>
      {open && (
        <div id={id} className={styles.menu} style={place} role="menu" aria-label={label}>
          {choices.map(({ label: name, says, danger, disabled, onChoose }) => (
            <button key={name} type="button" role="menuitem" className={danger ? styles.danger : undefined} disabled={disabled} onClick={() => { setOpen(false); onChoose(); }}>
              <span>{name}</span>
              {says && <small>{says}</small>}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
