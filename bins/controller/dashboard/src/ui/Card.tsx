// Gives a part of a screen its frame, title and actions; and headline figures their place.
import type { ReactNode } from 'react';
import styles from './Card.module.css';
import type { Tone } from './Chip';
import { HeadingLevel } from './heading';

interface Props {
  title?: ReactNode;
  /** In a sentence: what this shows. */
  says?: ReactNode;
  actions?: ReactNode;
  /** For a table or a plot that reaches from edge to edge. */
  flush?: boolean;
  children: ReactNode;
  className?: string;
}

export function Card({ title, says, actions, flush = false, children, className = '' }: Props) {
  return (
    <section className={`${styles.card} ${className}`}>
      {(title || actions) && (
        <header className={styles.head}>
          <div className={styles.words}>
            {title && <h2 className={styles.title}>{title}</h2>}
            {says && <p className={styles.says}>{says}</p>}
          </div>
          {actions && <div className={styles.actions}>{actions}</div>}
        </header>
      )}
      <div className={flush ? styles.flush : styles.body}>{title ? <HeadingLevel value={3}>{children}</HeadingLevel> : children}</div>
    </section>
  );
}

/** Headline figures in a row; where there is little room they wrap. */
export function Stats({ children }: { children: ReactNode }) {
  return <dl className={styles.stats}>{children}</dl>;
}

/** One figure with its name, and in small what helps to read it. */
export function Stat({ name, value, beside, tone, title }: { name: ReactNode; value: ReactNode; beside?: ReactNode; tone?: Tone; title?: string }) {
  return (
    <div className={styles.stat} title={title}>
      <dt>{name}</dt>
      <dd className={`${styles.value} ${tone ? styles[tone] : ''}`}>{value}</dd>
      {beside && <dd className={styles.beside}>{beside}</dd>}
    </div>
  );
}
