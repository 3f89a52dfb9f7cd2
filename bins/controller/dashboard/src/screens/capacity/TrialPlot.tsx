// Draws the trials of a search: at which rate each was, whether the objective held, and how the bounds came closer.
import { linear } from '../../plots/scales';
import type { Capacity } from '../../api/types';
import { format } from '../../ui';
import styles from './capacity.module.css';
import { boundsAfter, outcomeOf, type Outcome, type Trial } from './trials';

const [HEIGHT, TOP, BOTTOM, LEFT] = [300, 12, 26, 9];
const TICKS = 5;
const WORDS: Record<Outcome, string> = { held: 'The objective held', failed: 'It did not hold', generator: 'The load generator could not', uncounted: 'Not counted' };

export function TrialPlot({ capacity }: { capacity: Capacity }) {
  const { trials, interval, capacityRps, maxRate } = capacity;
  const axis = linear(format.rate);
  const tried = Math.max(capacityRps ?? 0, ...trials.map(({ rate }) => rate));
  const [, top] = axis.around(0, tried > 0 ? tried : maxRate, TICKS);
  const y = (rate: number) => HEIGHT - BOTTOM - (Math.min(rate, top) / top) * (HEIGHT - BOTTOM - TOP);
  const wide = (100 - LEFT) / Math.max(trials.length, 4);
  const from = (place: number) => LEFT + place * wide;
  const bounds = boundsAfter(trials);
  const [low, high] = [interval[0] ?? 0, interval[1] ?? (capacityRps === null ? null : top)];
  const says = `${trials.length} trials: ${trials.map((trial, place) => `${place + 1}, ${format.rate(trial.rate)}, ${WORDS[outcomeOf(trial)].toLowerCase()}`).join('; ')}.`;
  const labelled = Math.max(1, Math.ceil(trials.length / 12));
  return (
    <>
      <div className={styles.legend}>
        {(['held', 'failed', 'generator', 'uncounted'] as const).filter((outcome) => outcome === 'held' || outcome === 'failed' || trials.some((trial) => outcomeOf(trial) === outcome)).map((outcome) => <span key={outcome}><svg viewBox="0 0 14 14" aria-hidden="true"><Point outcome={outcome} x={7} y={7} /></svg>{WORDS[outcome]}</span>)}
        {capacityRps !== null && <span><svg viewBox="0 0 14 14" aria-hidden="true"><rect className={styles.band} width="14" height="14" /></svg>Where the capacity lies</span>}
      </div>
      <svg className={styles.plot} role="img" aria-label={says}>
        {axis.ticks(0, top, TICKS).map((tick) => (
          <g key={tick}>
            <line className={styles.grid} x1={`${LEFT}%`} x2="100%" y1={y(tick)} y2={y(tick)} />
            <text className={styles.label} x={`${LEFT - 1}%`} y={y(tick) + 4} textAnchor="end">{axis.text(tick)}</text>
          </g>
        ))}
        {capacityRps !== null && high !== null && <rect className={styles.band} x={`${LEFT}%`} width={`${100 - LEFT}%`} y={y(high)} height={Math.max(2, y(low) - y(high))} />}
        {capacityRps !== null && <line className={styles.capacity} x1={`${LEFT}%`} x2="100%" y1={y(capacityRps)} y2={y(capacityRps)} />}
        {bounds.map(({ held, failed }, place) => (
          <g key={place}>
            {held !== null && <line className={styles.heldBound} x1={`${from(place)}%`} x2={`${from(place + 1)}%`} y1={y(held)} y2={y(held)} />}
            {failed !== null && <line className={styles.failedBound} x1={`${from(place)}%`} x2={`${from(place + 1)}%`} y1={y(failed)} y2={y(failed)} />}
          </g>
        ))}
        <line className={styles.axis} x1={`${LEFT}%`} x2="100%" y1={y(0)} y2={y(0)} />
        {trials.map((trial, place) => (
          <g key={place}>
            <svg x={`${from(place) + wide / 2}%`} y={y(trial.rate)} overflow="visible"><title>{tip(trial, place)}</title><Point outcome={outcomeOf(trial)} x={0} y={0} /></svg>
            {place % labelled === 0 && <text className={styles.label} x={`${from(place) + wide / 2}%`} y={HEIGHT - 8} textAnchor="middle">{place + 1}</text>}
          </g>
        ))}
      </svg>
    </>
  );
}

const tip = (trial: Trial, place: number) => `Trial ${place + 1} at ${format.rate(trial.rate)}: ${WORDS[outcomeOf(trial)].toLowerCase()}`;

/** A dot, a cross, or an empty ring: told apart without colours. */
function Point({ outcome, x, y }: { outcome: Outcome; x: number; y: number }) {
  if (outcome === 'failed') return <path className={styles.failed} d={`M${x - 4.5} ${y - 4.5}l9 9M${x + 4.5} ${y - 4.5}l-9 9`} />;
  if (outcome === 'generator') return <path className={styles.generator} d={`M${x} ${y - 5.5}l5.5 10h-11z`} />;
  return <circle className={styles[outcome]} cx={x} cy={y} r={5.5} />;
}
