// Draws how a figure changed: a dot, the interval it lies in, no change in the middle, and the tolerance around it.
import styles from './compare.module.css';
import { placeOf, type Interval } from './interval';
import { signed, wordsOf } from './words';

const [WIDTH, HEIGHT] = [160, 20];
const MIDDLE = HEIGHT / 2;

export function IntervalBar({ change, most, tolerance }: { change: Interval & { judgement: string }; most: number; tolerance: number }) {
  const { changePercent, changeInterval, judgement } = change;
  if (changePercent === null) return <span className="soft">–</span>;
  const x = (percent: number) => placeOf(percent, most).at * WIDTH;
  const [from, to] = [changeInterval?.[0], changeInterval?.[1]];
  const says = from === undefined || to === undefined ? `${signed(changePercent)}, without an interval` : `${signed(changePercent)}, between ${signed(from)} and ${signed(to)}`;
  return (
    <svg className={`${styles.bar} ${styles[wordsOf(judgement).tone] ?? ''}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={says}>
      <title>{says}</title>
      <rect className={styles.tolerance} x={x(-tolerance)} y={0} width={x(tolerance) - x(-tolerance)} height={HEIGHT} />
      <path className={styles.zero} d={`M${WIDTH / 2} 0V${HEIGHT}`} />
      {from !== undefined && to !== undefined && (
        <>
          <path className={styles.interval} d={`M${x(from)} ${MIDDLE}H${x(to)}`} />
          <End at={from} most={most} />
          <End at={to} most={most} />
        </>
      )}
      <circle cx={Math.min(WIDTH - 4, Math.max(4, x(changePercent)))} cy={MIDDLE} r={4} className={styles.dot} />
    </svg>
  );
}

/** Where an interval ends; an arrow where it goes on beyond the axis. */
function End({ at, most }: { at: number; most: number }) {
  const { at: share, beyond } = placeOf(at, most);
  const x = share * WIDTH;
  const path = beyond === 0 ? `M${x} ${MIDDLE - 4}v8` : `M${x - beyond * 5} ${MIDDLE - 4}L${x - beyond} ${MIDDLE}l${-beyond * 4} 4`;
  return <path className={styles.end} d={path} />;
}
