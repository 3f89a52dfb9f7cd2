// Turns the trials of a search into what its plot shows: points, and how the bounds came closer.
import type { Capacity } from '../../api/types';

export type Trial = Capacity['trials'][number];

/** After a trial: the highest rate that held, and the lowest above it that did not. Null where there is none yet. */
export interface Bounds {
  held: number | null;
  failed: number | null;
}

/** Trials that are not counted leave the bounds as they are. */
export function boundsAfter(trials: readonly Trial[]): Bounds[] {
  const counted: Trial[] = [];
  return trials.map((trial) => {
    if (trial.counted) counted.push(trial);
    const held = highest(counted.filter((each) => each.held));
    const failed = lowest(counted.filter((each) => !each.held && (held === null || each.rate > held)));
    return { held, failed };
  });
}

const highest = (trials: readonly Trial[]): number | null => (trials.length > 0 ? Math.max(...trials.map(({ rate }) => rate)) : null);
const lowest = (trials: readonly Trial[]): number | null => (trials.length > 0 ? Math.min(...trials.map(({ rate }) => rate)) : null);

export type Outcome = 'held' | 'failed' | 'generator' | 'uncounted';

export function outcomeOf({ held, byGenerator, counted }: Trial): Outcome {
  if (!held && byGenerator) return 'generator';
  if (!counted) return 'uncounted';
  return held ? 'held' : 'failed';
}
