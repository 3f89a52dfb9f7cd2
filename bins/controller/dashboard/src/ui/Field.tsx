// Turns a value that people give into a labelled field, with its hint and what is wrong with it.
import { useId, type ComponentProps, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes } from 'react';
import styles from './Field.module.css';

interface Around {
  label: ReactNode;
  /** What to give, in a few words. */
  hint?: ReactNode;
  /** What is wrong with it; several are listed. */
  fault?: string | string[] | null;
  /** Label for screen readers alone. */
  quiet?: boolean;
}

function Frame({ id, label, hint, fault, quiet, children }: Around & { id: string; children: ReactNode }) {
  const faults = fault ? [fault].flat() : [];
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={quiet ? 'sr-only' : styles.label}>{label}</label>
      {children}
      {faults.length > 0 ? (
        <p id={`${id}-says`} className={styles.fault} role="alert">{faults.join(' ')}</p>
      ) : (
        hint && <p id={`${id}-says`} className={styles.hint}>{hint}</p>
      )}
    </div>
  );
}

const told = (id: string, { hint, fault }: Around) => ({
  id,
  'aria-invalid': fault && fault.length > 0 ? true : undefined,
  'aria-describedby': hint || (fault && fault.length > 0) ? `${id}-says` : undefined,
});

export function Input({ label, hint, fault, quiet, unit, ...rest }: Around & { unit?: string } & ComponentProps<'input'>) {
  const id = useId();
  const around = { label, hint, fault, quiet };
  return (
    <Frame id={id} {...around}>
      <span className={styles.box}>
        <input className={styles.control} autoComplete="off" spellCheck={false} {...told(id, around)} {...rest} />
        {unit && <span className={styles.unit}>{unit}</span>}
      </span>
    </Frame>
  );
}

export function TextArea({ label, hint, fault, quiet, ...rest }: Around & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  const around = { label, hint, fault, quiet };
  return (
    <Frame id={id} {...around}>
      <textarea className={`${styles.control} ${styles.area}`} spellCheck={false} rows={4} {...told(id, around)} {...rest} />
    </Frame>
  );
}

export function Select({ label, hint, fault, quiet, options, ...rest }: Around & { options: readonly (readonly [value: string, label: string])[] } & SelectHTMLAttributes<HTMLSelectElement>) {
  const id = useId();
  const around = { label, hint, fault, quiet };
  return (
    <Frame id={id} {...around}>
      <select className={`${styles.control} ${styles.select}`} {...told(id, around)} {...rest}>
        {options.map(([value, name]) => <option key={value} value={value}>{name}</option>)}
      </select>
    </Frame>
  );
}

export function Checkbox({ label, hint, ...rest }: { label: ReactNode; hint?: ReactNode } & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <div className={styles.check}>
      <input id={id} type="checkbox" aria-describedby={hint ? `${id}-says` : undefined} {...rest} />
      <label htmlFor={id}>{label}</label>
      {hint && <p id={`${id}-says`} className={styles.hint}>{hint}</p>}
    </div>
  );
}

/** One of a few, all in sight. */
export function Segmented<T extends string>({ label, value, options, onChange }: { label: string; value: T; options: readonly (readonly [value: T, label: string])[]; onChange: (value: T) => void }) {
  return (
    <div className={styles.segmented} role="group" aria-label={label}>
      {options.map(([key, name]) => (
        <button key={key} type="button" aria-pressed={key === value} onClick={() => onChange(key)}>{name}</button>
      ))}
    </div>
  );
}
