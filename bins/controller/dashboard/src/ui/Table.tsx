// Gives rows and columns their look; a head can be pressed to sort.
import type { ReactNode } from 'react';
import { Icon } from './Icon';
import styles from './Table.module.css';

interface Props {
  label: string;
  head: ReactNode;
  children: ReactNode;
  dense?: boolean;
  /** Columns are as wide as their heads say, in pixels of the usual size, whatever is in the rows: for rows that come and go. One head without a width takes the rest. */
  fixed?: boolean;
  /** On a narrow screen each row is a small card: its first two cells in its head, below it those with a `label`. */
  cards?: boolean;
  /** How many there are, where not all are drawn. */
  rows?: number;
}

/** A table that scrolls sideways by itself where it is wider than its place. */
export function Table({ label, head, children, dense = false, fixed = false, cards = false, rows }: Props) {
  return (
    // Who has no mouse scrolls by keys: a place that scrolls has to take the focus.
    <div className={styles.scroll} tabIndex={0} role="region" aria-label={label}>
      <table className={names(styles.table, dense && styles.dense, fixed && styles.fixed, cards && styles.cards)} aria-rowcount={rows === undefined ? undefined : rows + 1}>
        <thead><tr>{head}</tr></thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** How much room a column asks for: where the screen has less, it is not shown. */
export type Room = 'some' | 'much' | 'most';

const names = (...given: (string | false | undefined)[]): string | undefined => given.filter(Boolean).join(' ') || undefined;

export interface Sort {
  by: string;
  down: boolean;
}

/** A head; with `sort` it can be pressed. `right` for figures. */
export function Head({ name, children, right = false, sort, onSort, title, room, width }: { name?: string; children?: ReactNode; right?: boolean; sort?: Sort; onSort?: (sort: Sort) => void; title?: string; room?: Room; width?: number }) {
  const sorted = name !== undefined && sort?.by === name;
  const order = sorted ? (sort.down ? 'descending' : 'ascending') : undefined;
  return (
    <th scope="col" className={names(right && styles.right, room && styles[room])} aria-sort={order} title={title} style={width === undefined ? undefined : { width: `${width / 16}rem` }}>
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

export function Cell({ children, right = false, mono = false, title, wide, room, label }: { children?: ReactNode; right?: boolean; mono?: boolean; title?: string; wide?: number; room?: Room; /** What it is, where the row is a card. */ label?: string }) {
  return <td className={names(right && styles.right, mono && 'mono', room && styles[room])} title={title} colSpan={wide} data-label={label}>{children}</td>;
}

/** What a cell says first, and in small below it what belongs to it. */
export function Two({ children, below, title }: { children: ReactNode; below: ReactNode; title?: string }) {
  return <span className={styles.two} title={title}><span className="cut">{children}</span><small className="cut">{below}</small></span>;
}

export const rowStyle = styles.row;
export const chosenRowStyle = styles.chosen;
/** For the one link of a row that the whole row follows. */
export const coverStyle = styles.cover;
/** For what can be pressed in a row that follows its link. */
export const onTopStyle = styles.onTop;
/** For a row that keeps the place of rows that are not drawn. */
export const spaceStyle = styles.space;
