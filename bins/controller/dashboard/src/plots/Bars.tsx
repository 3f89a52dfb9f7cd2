// Turns counts by name into bars: status codes, error classes.
import { count as countFormat, percent } from '../ui/format';
import styles from './plots.module.css';
import type { Format } from './scales';
import { seriesColour, type Colour } from './theme';

export interface Bar {
  label: string;
  value: number;
  colour?: Colour;
  /** Whole, where the label is short. */
  title?: string;
}

export interface BarsProps {
  label: string;
  bars: readonly Bar[];
  format?: Format;
  /** Of what the shares are; the sum of all bars where it is not given. */
  of?: number;
  empty?: string;
}

export function Bars({ label, bars, format = countFormat, of, empty = 'None' }: BarsProps) {
  const greatest = Math.max(0, ...bars.map(({ value }) => value));
  const whole = of ?? bars.reduce((sum, { value }) => sum + value, 0);
  if (bars.length === 0) return <p className={styles.says}>{empty}</p>;
  return (
    <ul className={styles.bars} aria-label={label}>
      {bars.map(({ label: name, value, colour, title }, place) => (
        <li key={name} className={styles.bar}>
          <span className={styles.barName} title={title ?? name}>{name}</span>
          <span className={styles.track} aria-hidden="true">
            {value > 0 && <span className={styles.fill} style={{ display: 'block', width: `${(100 * value) / greatest}%`, background: `var(--${colour ?? seriesColour(place)})` }} />}
          </span>
          <span className={styles.barValue}>{format(value)}<span className={styles.share}>{percent(whole > 0 ? (100 * value) / whole : null)}</span></span>
        </li>
      ))}
    </ul>
  );
}

/** Of a status: what is well is blue, what leads elsewhere violet, the client's fault orange, the target's red. */
export function statusColour(status: string): Colour {
  const hundred = status[0];
  return hundred === '2' ? 'series-1' : hundred === '3' ? 'series-4' : hundred === '4' ? 'series-2' : hundred === '5' ? 'series-3' : 'series-8';
}
