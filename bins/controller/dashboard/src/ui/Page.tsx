// Gives a screen its title, the way back, its actions and tabs.
import { Link, type LinkProps } from '@tanstack/react-router';
import { useEffect, type ReactNode } from 'react';
import styles from './Page.module.css';

export interface Crumb {
  label: string;
  link: LinkProps;
}

interface Props {
  title: ReactNode;
  /** The title of the browser's tab, where `title` is more than a text. */
  name?: string;
  crumbs?: Crumb[];
  /** Below the title: what this is, or the facts that identify it. */
  says?: ReactNode;
  /** Beside the title: chips. */
  beside?: ReactNode;
  actions?: ReactNode;
  tabs?: ReactNode;
  children: ReactNode;
  /** Narrow, for forms and words. */
  narrow?: boolean;
}

export function Page({ title, name, crumbs = [], says, beside, actions, tabs, children, narrow = false }: Props) {
  const tab = name ?? (typeof title === 'string' ? title : null);
  useEffect(() => {
    if (tab) document.title = `${tab} · loadcore`;
  }, [tab]);
  return (
    <main id="main" tabIndex={-1} className={`${styles.page} ${narrow ? styles.narrow : ''}`}>
      {crumbs.length > 0 && (
        <nav className={styles.crumbs} aria-label="Way back">
          {crumbs.map(({ label, link }) => <span key={label} className="cut"><Link {...link}>{label}</Link> <span aria-hidden="true">/</span></span>)}
        </nav>
      )}
      <header className={styles.head}>
        <div className={styles.words}>
          <h1 className={styles.title}>
            <span className={styles.name}>{title}</span>
            {beside}
          </h1>
          {says && <div className={styles.says}>{says}</div>}
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </header>
      {tabs}
      <div className={styles.body}>{children}</div>
    </main>
  );
}

/** Links to the parts of one thing. */
export function Tabs({ label, tabs }: { label: string; tabs: { label: ReactNode; link: LinkProps }[] }) {
  return (
    <nav className={styles.tabs} aria-label={label}>
      {tabs.map(({ label: name, link }, place) => <Link key={place} activeOptions={{ exact: true }} activeProps={{ 'aria-current': 'page' }} {...link}>{name}</Link>)}
    </nav>
  );
}

/** Parts side by side: as many columns of at least `least` pixels as there is room for, and no more than `most`, so that the last row is full. */
export function Grid({ least = 420, most = 12, children }: { least?: number; most?: number; children: ReactNode }) {
  const narrowest = `max(min(${least}px, 100%), (100% - ${most - 1} * var(--space-4)) / ${most})`;
  return <div className={styles.grid} style={{ gridTemplateColumns: `repeat(auto-fit, minmax(${narrowest}, 1fr))` }}>{children}</div>;
}
