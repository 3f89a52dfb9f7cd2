// Folds away what few people need: its line says what is in it, and whether something there is wrong.
import type { ReactNode } from 'react';
import { Chip, Icon } from '../../ui';
import styles from './Fold.module.css';

export function Fold({ title, says, faults = 0, open = false, plain = false, children }: { title: string; says?: ReactNode; faults?: number; open?: boolean; plain?: boolean; children: ReactNode }) {
  return (
    <details className={plain ? styles.plain : styles.card} open={open || undefined}>
      <summary className={styles.line}>
        <span className={styles.sign}><Icon name="right" size={12} /></span>
        <span className={styles.title}>{title}</span>
        {says && <span className={`${styles.says} cut`}>{says}</span>}
        {faults > 0 && <Chip tone="bad" icon="warning">{faults === 1 ? '1 fault' : `${faults} faults`}</Chip>}
      </summary>
      <div className={styles.body}>{children}</div>
    </details>
  );
}
