// Says what a part of a screen is when it has no data: loading, empty, failed.
import type { ReactNode } from 'react';
import { ApiError } from '../api/client';
import { Button } from './Button';
import { useHeading } from './heading';
import { Icon, type IconName } from './Icon';
import styles from './States.module.css';

/** Grey bars in the place of what comes. `rows` like a table, else one block of `height` pixels. */
export function Loading({ rows, height = 120, label = 'Loading' }: { rows?: number; height?: number; label?: string }) {
  const bars = rows === undefined ? [height] : Array.from({ length: rows }, () => 18);
  return (
    <div className={styles.loading} role="status" aria-label={label}>
      {bars.map((tall, place) => <span key={place} className={styles.bar} style={{ height: tall, width: rows === undefined ? '100%' : `${92 - ((place * 17) % 40)}%` }} />)}
    </div>
  );
}

/** Nothing is there yet: says what would be, and the first step to it. */
export function Empty({ icon = 'info', title, children, actions }: { icon?: IconName; title: string; children?: ReactNode; actions?: ReactNode }) {
  const Heading = useHeading();
  return (
    <div className={styles.state}>
      <span className={styles.sign}><Icon name={icon} size={20} /></span>
      <Heading>{title}</Heading>
      {children && <div className={styles.says}>{children}</div>}
      {actions && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}

/** There is nothing of it, and that is no gap to be filled: one line. */
export function Nothing({ icon = 'good', title, children, actions }: { icon?: IconName; title: string; children?: ReactNode; actions?: ReactNode }) {
  return (
    <div className={styles.nothing}>
      <span className={icon === 'good' ? styles.well : undefined}><Icon name={icon} /></span>
      <p className={styles.words}><b>{title}</b> {children && <span className="soft">{children}</span>}</p>
      {actions}
    </div>
  );
}

/** It could not be had: says why, and offers to try again. */
export function Failed({ error, onRetry, what }: { error: unknown; onRetry?: () => void; what?: string }) {
  const Heading = useHeading();
  const problem = error instanceof ApiError ? error : null;
  const title = problem?.title ?? (what ? `${what} cannot be shown` : 'Something went wrong');
  const forbidden = problem?.status === 403;
  return (
    <div className={styles.state} role="alert">
      <span className={`${styles.sign} ${styles.bad}`}><Icon name={forbidden ? 'key' : 'warning'} size={20} /></span>
      <Heading>{title}</Heading>
      <div className={styles.says}>
        <p>{error instanceof Error ? error.message : String(error)}</p>
        {problem && problem.faults.length > 0 && (
          <ul className={styles.faults}>{problem.faults.map(({ path, message }, place) => <li key={place}><code>{path}</code> {message}</li>)}</ul>
        )}
      </div>
      {onRetry && !forbidden && <div className={styles.actions}><Button icon="again" onClick={onRetry}>Try again</Button></div>}
    </div>
  );
}

/** A line across the screen that people should not miss. */
export function Notice({ tone = 'info', children, actions }: { tone?: 'info' | 'warning' | 'bad' | 'good'; children: ReactNode; actions?: ReactNode }) {
  const icons = { info: 'info', warning: 'warning', bad: 'bad', good: 'good' } as const;
  return (
    <div className={`${styles.notice} ${styles[`${tone}Notice`]}`} role={tone === 'bad' || tone === 'warning' ? 'alert' : 'status'}>
      <Icon name={icons[tone]} />
      <div className={styles.words}>{children}</div>
      {actions}
    </div>
  );
}
