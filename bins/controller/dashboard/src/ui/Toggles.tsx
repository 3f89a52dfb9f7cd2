// Several of a few, all in sight: each can be switched on and off.
import styles from './Field.module.css';

/** At least one stays on. */
export function Toggles<T extends string>({ label, chosen, options, onChange }: { label: string; chosen: readonly T[]; options: readonly (readonly [value: T, label: string])[]; onChange: (chosen: T[]) => void }) {
  const turn = (value: T) => {
    const after = options.map(([key]) => key).filter((key) => (key === value ? !chosen.includes(key) : chosen.includes(key)));
    if (after.length > 0) onChange(after);
  };
  return (
    <div className={styles.segmented} role="group" aria-label={label}>
      {options.map(([key, name]) => (
        <button key={key} type="button" aria-pressed={chosen.includes(key)} onClick={() => turn(key)}>{name}</button>
      ))}
    </div>
  );
}
