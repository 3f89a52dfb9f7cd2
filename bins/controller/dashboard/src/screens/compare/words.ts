// Turns what a comparison judges into the words, signs and colours that people read.
import type { Comparison } from '../../api/types';
import { format, type IconName, type Tone } from '../../ui';

export type Change = Comparison['changes'][number];
export type Judgement = Change['judgement'];

export const JUDGEMENTS: Record<Judgement, { tone: Tone; icon: IconName; word: string; title: string }> = {
  regression: { tone: 'bad', icon: 'bad', word: 'Regression', title: 'Different, and worse by more than the tolerance' },
  worse: { tone: 'warning', icon: 'warning', word: 'Worse', title: 'Different and worse, by no more than the tolerance' },
  improvement: { tone: 'good', icon: 'good', word: 'Improvement', title: 'Different, and better by more than the tolerance' },
  better: { tone: 'good', icon: 'good', word: 'Better', title: 'Different and better, by no more than the tolerance' },
  no_difference: { tone: 'neutral', icon: 'info', word: 'No difference', title: 'The interval includes no change' },
  unknown: { tone: 'neutral', icon: 'info', word: 'Not judged', title: 'There is too little to say how sure this is' },
};

/** A newer controller may know a judgement that this page does not. */
export const wordsOf = (judgement: string) => JUDGEMENTS[judgement as Judgement] ?? { tone: 'neutral' as const, icon: 'info' as const, word: format.word(judgement), title: '' };

const FIGURES: Record<string, string> = { error_rate: 'Error rate', achieved_rate: 'Achieved rate', rps: 'Requests per second' };
export const figureName = (figure: string): string => FIGURES[figure] ?? figure;

/** A value of a figure in its unit. */
export function valueOf(value: number | null, unit: string): string {
  if (unit === 'ms') return format.latency(value);
  if (unit === '%') return format.percent(value);
  return format.rate(value);
}

/** A change in percent, with its sign: +4.2%. */
export function signed(percent: number | null | undefined): string {
  if (percent === null || percent === undefined || !Number.isFinite(percent)) return format.NOTHING;
  const text = format.digits(Math.abs(percent), Math.abs(percent) >= 1 ? 2 : 1);
  return text === '0' ? '0%' : `${percent < 0 ? '−' : '+'}${text}%`;
}

/** What the whole comes to, as a headline. */
export function headline({ judgement }: Pick<Comparison, 'judgement'>): string {
  return {
    regression: 'The candidate is a regression',
    worse: 'The candidate is worse, within the tolerance',
    improvement: 'The candidate is an improvement',
    better: 'The candidate is better, within the tolerance',
    no_difference: 'No difference was shown',
    unknown: 'It cannot be judged',
  }[judgement] ?? wordsOf(judgement).word;
}
