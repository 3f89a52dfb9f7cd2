// Turns one figure of several runs, from the oldest to the newest, into a small line with a point for each.
import styles from './Trend.module.css';

export interface TrendPoint {
  /** Of what, in words: `Nov 27, 23:52: 48 ms`. */
  label: string;
  value: number | null;
  /** It is told apart: the run that others are compared with. */
  marked?: boolean;
}

export interface TrendProps {
  /** In a sentence: what is seen here. */
  label: string;
  points: readonly TrendPoint[];
  format: (value: number) => string;
  tone?: 1 | 2 | 3;
  onChoose?: (place: number) => void;
}

const [WIDTH, HEIGHT] = [1000, 100];

export function Trend({ label, points, format, tone = 1, onChoose }: TrendProps) {
  const most = Math.max(0, ...points.map(({ value }) => value ?? 0));
  const baseline = points.find(({ marked }) => marked)?.value ?? null;
  const x = (place: number) => (points.length < 2 ? WIDTH / 2 : (place / (points.length - 1)) * WIDTH);
  const y = (value: number) => HEIGHT - (most > 0 ? value / most : 0) * HEIGHT;
  const known = points.flatMap(({ value }, place) => (value === null ? [] : [[x(place), y(value)] as const]));
  return (
    <div className={`${styles.trend} ${styles[`tone${tone}`]}`}>
      <span className={styles.most}>{most > 0 ? format(most) : ''}</span>
      <span className={styles.least}>0</span>
      <svg className={styles.plot} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
        <path className={styles.axis} d={`M0 ${HEIGHT}H${WIDTH}M0 0H${WIDTH}`} />
        {baseline !== null && <path className={styles.baseline} d={`M0 ${y(baseline)}H${WIDTH}`} />}
        <path className={styles.line} d={known.map(([at, value], place) => `${place === 0 ? 'M' : 'L'}${at.toFixed(1)} ${value.toFixed(1)}`).join('')} />
        {/* A line of no length with round ends is a dot, however the picture is stretched. */}
        {points.map((point, place) => point.value !== null && (
          <path key={place} className={`${styles.point} ${point.marked ? styles.marked : ''}`} d={`M${x(place)} ${y(point.value)}h0`} onClick={onChoose && (() => onChoose(place))}><title>{point.label}</title></path>
        ))}
      </svg>
    </div>
  );
}
