// Shows how far something is, 0 to 1, as a bar; `label` says it in words. Where nobody knows, the bar is empty.
import styles from './Progress.module.css';

export function Progress({ part, label }: { part: number | null; label: string }) {
  const percent = part === null ? undefined : Math.round(part * 100);
  return (
    <div className={styles.bar} role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent} aria-valuetext={label}>
      <span style={{ width: `${percent ?? 0}%` }} />
    </div>
  );
}
