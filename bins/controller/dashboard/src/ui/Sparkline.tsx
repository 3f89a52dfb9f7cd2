// Turns a short course of numbers into a line of the height of a row. Gaps stay gaps.
import styles from './Sparkline.module.css';

const [WIDTH, HEIGHT] = [100, 24];

export function Sparkline({ values, label, tone = 1 }: { values: readonly (number | null)[]; label: string; tone?: 1 | 2 | 3 }) {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length < 2) return <span className={styles.none} aria-hidden="true" />;
  const most = Math.max(...known, 1e-9);
  const at = (value: number, place: number) => `${((place / (values.length - 1)) * WIDTH).toFixed(1)} ${(HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)}`;
  let path = '';
  values.forEach((value, place) => {
    if (value === null || !Number.isFinite(value)) return;
    const before = place > 0 ? values[place - 1] : null;
    path += `${before === null || before === undefined ? 'M' : 'L'}${at(value, place)}`;
  });
  return (
    <svg className={`${styles.spark} ${styles[`tone${tone}`]}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path d={path} />
    </svg>
  );
}
