// Turns thousands of items into the few table rows that are in sight; empty rows above and below keep the place of the others.
import { useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { spaceStyle } from './Table';
import { rowsInSight } from './rows-in-sight';

interface Props<T> {
  items: readonly T[];
  /** All rows are of the same height; this is what it is about, until one was measured. */
  height?: number;
  /** The last rows are in sight, or nearly. */
  onEnd?: () => void;
  /** A row; `place` is to be told as `aria-rowindex` (the head is 1). */
  children: (item: T, place: number) => ReactNode;
}

export function VirtualRows<T>({ items, height: guess = 48, onEnd, children }: Props<T>) {
  const top = useRef<HTMLTableRowElement>(null);
  const [height, setHeight] = useState(guess);
  const [sight, setSight] = useState({ from: 0, to: 40 });
  const end = useRef(onEnd);
  end.current = onEnd;
  const count = items.length;
  useLayoutEffect(() => {
    let asked = 0;
    const look = () => {
      asked = 0;
      const above = top.current;
      if (!above) return;
      const tall = above.nextElementSibling?.nextElementSibling ? (above.nextElementSibling as HTMLElement).getBoundingClientRect().height : 0;
      if (tall > 0) setHeight(tall);
      const now = rowsInSight(above.getBoundingClientRect().top, tall || height, window.innerHeight, count);
      setSight((before) => (before.from === now.from && before.to === now.to ? before : now));
      if (now.to >= count) end.current?.();
    };
    const ask = () => (asked ||= requestAnimationFrame(look));
    look();
    window.addEventListener('scroll', ask, { passive: true });
    window.addEventListener('resize', ask);
    return () => {
      cancelAnimationFrame(asked);
      window.removeEventListener('scroll', ask);
      window.removeEventListener('resize', ask);
    };
  }, [count, height]);
  const [from, to] = [Math.min(sight.from, count), Math.min(sight.to, count)];
  // One cell: a cell over all columns would make room for those that a narrow screen does not show.
  const space = (rows: number) => <td style={{ height: rows * height }} />;
  return (
    <>
      <tr ref={top} className={spaceStyle} aria-hidden="true">{space(from)}</tr>
      {items.slice(from, to).map((item, place) => children(item, from + place + 2))}
      <tr className={spaceStyle} aria-hidden="true">{space(count - to)}</tr>
    </>
  );
}
