// Turns a short course of numbers into a line of the height of a row. Gaps stay gaps.
import styles from './Sparkline.module.css';

const [WIDTH, HEIGHT] = [100, 24];

/** As wide as its place where `wide`. */
export function Sparkline({ values, label, tone = 1, wide = false }: { values: readonly (number | null)[]; label: string; tone?: 1 | 2 | 3; wide?: boolean }) {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length < 2) return <span className={`${styles.none} ${wide ? styles.wide : ''}`} aria-hidden="true" />;
  const most = Math.max(...known, 1e-9);
  const at = (value: number, place: number) => `${((place / (values.length - 1)) * WIDTH).toFixed(1)} ${(HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)}`;
  let path = '';
  let below = '';
  values.forEach((value, place) => {
    if (value === null || !Number.isFinite(value)) return;
    const before = place > 0 ? values[place - 1] : null;
    const begins = before === null || before === undefined || !Number.isFinite(before);
    const x = ((place / (values.length - 1)) * WIDTH).toFixed(1);
    below += begins ? `M${x} ${HEIGHT}L${at(value, place)}` : `L${at(value, place)}`;
    const after = values[place + 1];
    if (after === null || after === undefined || !Number.isFinite(after)) below += `L${x} ${HEIGHT}Z`;
    path += `${begins ? 'M' : 'L'}${at(value, place)}`;
  });
  return (
    <svg className={`${styles.spark} ${styles[`tone${tone}`]} ${wide ? styles.wide : ''}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {wide && <path className={styles.below} d={below} />}
      <path d={path} />
    </svg>
  );
}
