// Draws how far a run is as what it is to do: the planned rate from end to end, filled as far as it has come.
import styles from './PlanStrip.module.css';

interface Props {
  /** In a sentence: how far it is. */
  label: string;
  /** The planned rate, evenly spread over the whole run; NaN where nothing is planned. Empty: a plain bar. */
  rates: ArrayLike<number>;
  /** How far it is, 0 to 1. */
  past: number;
}

const [WIDTH, HEIGHT] = [1000, 100];
/** Below the rate of 0, so that a run which pauses is seen to go on. */
const FLOOR = 12;

export function PlanStrip({ label, rates, past }: Props) {
  const area = areaOf(rates);
  const at = Math.min(1, Math.max(0, past)) * WIDTH;
  return (
    <svg className={styles.strip} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(past * 100)}>
      <path className={styles.left} d={area} />
      <clipPath id="plan-strip-past"><rect x="0" y="0" width={at} height={HEIGHT} /></clipPath>
      <path className={styles.past} d={area} clipPath="url(#plan-strip-past)" />
      <path className={styles.now} d={`M${at} 0V${HEIGHT}`} />
    </svg>
  );
}

function areaOf(rates: ArrayLike<number>): string {
  let most = 0;
  for (let place = 0; place < rates.length; place += 1) most = Math.max(most, rates[place]! || 0);
  if (rates.length < 2 || most === 0) return `M0 ${HEIGHT}V${HEIGHT / 2}H${WIDTH}V${HEIGHT}Z`;
  const step = WIDTH / (rates.length - 1);
  let path = `M0 ${HEIGHT}`;
  for (let place = 0; place < rates.length; place += 1) path += `L${(place * step).toFixed(1)} ${(HEIGHT - FLOOR - ((rates[place]! || 0) / most) * (HEIGHT - FLOOR)).toFixed(1)}`;
  return `${path}V${HEIGHT}Z`;
}
