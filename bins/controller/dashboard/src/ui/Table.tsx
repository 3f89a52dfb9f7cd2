// Gives rows and columns their look; a head can be pressed to sort.
import type { ReactNode } from 'react';
import { Icon } from './Icon';
import styles from './Table.module.css';

/** A table that scrolls sideways by itself where it is wider than its place. */
export function Table({ label, head, children, dense = false }: { label: string; head: ReactNode; children: ReactNode; dense?: boolean }) {
  return (
    // Who has no mouse scrolls by keys: a place that scrolls has to take the focus.
    <div className={styles.scroll} tabIndex={0} role="region" aria-label={label}>
      <table className={`${styles.table} ${dense ? styles.dense : ''}`}>
        <thead><tr>{head}</tr></thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

export interface Sort {
  by: string;
  down: boolean;
}

/** A head; with `sort` it can be pressed. `right` for figures. */
export function Head({ name, children, right = false, sort, onSort, title }: { name?: string; children?: ReactNode; right?: boolean; sort?: Sort; onSort?: (sort: Sort) => void; title?: string }) {
  const sorted = name !== undefined && sort?.by === name;
  const order = sorted ? (sort.down ? 'descending' : 'ascending') : undefined;
  return (
    <th scope="col" className={right ? styles.right : undefined} aria-sort={order} title={title}>
      {name !== undefined && onSort ? (
        <button type="button" className={styles.sort} onClick={() => onSort({ by: name, down: sorted ? !sort.down : true })}>
          {children}
          <span className={sorted ? styles.sorted : styles.unsorted}><Icon name={sorted && !sort.down ? 'up' : 'down'} size={12} /></span>
        </button>
      ) : (
        children
      )}
    </th>
  );
}

export function Cell({ children, right = false, mono = false, title, wide }: { children?: ReactNode; right?: boolean; mono?: boolean; title?: string; wide?: number }) {
  return <td className={[right && styles.right, mono && 'mono'].filter(Boolean).join(' ') || undefined} title={title} colSpan={wide}>{children}</td>;
}

export const rowStyle = styles.row;
export const chosenRowStyle = styles.chosen;
/** For the one link of a row that the whole row follows. */
export const coverStyle = styles.cover;
