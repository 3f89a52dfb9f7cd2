// Turns a judgement or a state into a small sign: a colour, an icon and a word, never the colour alone.
import type { ReactNode } from 'react';
import type { RunState, Verdict } from '../api/types';
import styles from './Chip.module.css';
import { word } from './format';
import { Icon, type IconName } from './Icon';

export type Tone = 'good' | 'warning' | 'bad' | 'neutral' | 'info';

export function Chip({ tone = 'neutral', icon, pulse = false, title, children }: { tone?: Tone; icon?: IconName; pulse?: boolean; title?: string; children: ReactNode }) {
  return (
    <span className={`${styles.chip} ${styles[tone]}`} title={title}>
      {pulse ? <span className={styles.pulse} aria-hidden="true" /> : icon && <Icon name={icon} size={12} />}
      <span className="cut">{children}</span>
    </span>
  );
}

const STATES: Record<RunState, { tone: Tone; icon: IconName; says: string; pulse?: boolean }> = {
  QUEUED: { tone: 'neutral', icon: 'clock', says: 'It waits for workers that are busy with other runs' },
  PREPARING: { tone: 'neutral', icon: 'clock', says: 'Its workers get ready' },
  STARTING: { tone: 'info', icon: 'play', says: 'Its start is fixed, and not come yet' },
  RUNNING: { tone: 'info', icon: 'play', says: 'Load is being made', pulse: true },
  PAUSED: { tone: 'warning', icon: 'pause', says: 'No new requests are made until it is resumed' },
  STOPPING: { tone: 'neutral', icon: 'stop', says: 'No more requests are made; what is under way is awaited' },
  COMPLETED: { tone: 'neutral', icon: 'good', says: 'It went to its end' },
  ABORTED: { tone: 'warning', icon: 'stop', says: 'It was stopped before its end' },
  FAILED: { tone: 'bad', icon: 'bad', says: 'It could not be made' },
};

export function StateChip({ state }: { state: RunState }) {
  // A newer controller may know a state that this page does not.
  const known = STATES[state] ?? { tone: 'neutral', icon: 'info', says: '' };
  return <Chip tone={known.tone} icon={known.icon} pulse={known.pulse} title={known.says}>{word(state)}</Chip>;
}

const VERDICTS: Record<Verdict, { tone: Tone; icon: IconName; says: string }> = {
  VALID: { tone: 'good', icon: 'good', says: 'The load generator did what it should: the figures can be trusted' },
  DEGRADED: { tone: 'warning', icon: 'warning', says: 'The load generator was in some trouble: read the reasons before you trust the figures' },
  INVALID: { tone: 'bad', icon: 'bad', says: 'The load generator was in trouble: nothing should be concluded from the figures' },
};

/** Whether the measurement can be trusted; it says nothing of the target. */
export function VerdictChip({ verdict }: { verdict: Verdict | null | undefined }) {
  const known = verdict && VERDICTS[verdict];
  if (!known) return <span className="soft">–</span>;
  return <Chip tone={known.tone} icon={known.icon} title={known.says}>{word(verdict)}</Chip>;
}

/** Whether the rules hold; null where there are none. */
export function SlaChip({ passed, violated = 0 }: { passed: boolean | null | undefined; violated?: number }) {
  if (passed === null || passed === undefined) return <span className="soft" title="It has no SLA rules">–</span>;
  if (passed) return <Chip tone="good" icon="good" title="Every SLA rule holds">Passed</Chip>;
  return <Chip tone="bad" icon="bad" title="An SLA rule is violated">{violated > 1 ? `${violated} violated` : 'Violated'}</Chip>;
}
