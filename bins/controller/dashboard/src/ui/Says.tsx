// Says a judgement in a sentence: its sign before it, in its colour.
import type { ReactNode } from 'react';
import type { Tone } from './Chip';
import { Icon, type IconName } from './Icon';
import styles from './Says.module.css';

const SIGNS: Record<Tone, IconName> = { good: 'good', warning: 'warning', bad: 'bad', neutral: 'clock', info: 'play' };

export function Says({ tone, icon, title, children }: { tone: Tone; icon?: IconName; title?: string; children: ReactNode }) {
  return <span className={`${styles.says} ${styles[tone]}`} title={title}><Icon name={icon ?? SIGNS[tone]} size={14} /><span className={styles.words}>{children}</span></span>;
}
