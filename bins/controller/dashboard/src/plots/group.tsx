// Lets plots share a cursor, a zoom and marks.
import { createContext, useContext, useEffect, useState, type ReactNode } from 'react';
import type { Mark } from '../live/marks';

type Listener = () => void;

/** What plots along one axis have in common. Plots listen to it by themselves: a cursor moves sixty times a second. */
export class Group {
  cursor: number | null = null;
  zoom: [from: number, to: number] | null = null;
  marks: readonly Mark[] = [];
  /** What all of them show, where that is more or less than each would. */
  domain: [from: number, to: number] | null = null;
  readonly #cursors = new Set<Listener>();
  readonly #views = new Set<Listener>();

  moveTo(cursor: number | null): void {
    if (cursor === this.cursor) return;
    this.cursor = cursor;
    for (const listener of this.#cursors) listener();
  }

  zoomTo(zoom: [number, number] | null): void {
    if (!zoom && !this.zoom) return;
    this.zoom = zoom;
    for (const listener of this.#views) listener();
  }

  /** What the marks are, so that the same ones in another list are not painted anew. */
  markKey = '';

  mark(marks: readonly Mark[]): void {
    const key = marks.map(({ from, to, look, label }) => [from, to, look, label].join()).join(';');
    if (key === this.markKey) return;
    [this.marks, this.markKey] = [marks, key];
    for (const listener of this.#views) listener();
  }

  showing(domain: [number, number] | null): void {
    if (domain?.[0] === this.domain?.[0] && domain?.[1] === this.domain?.[1]) return;
    this.domain = domain;
    for (const listener of this.#views) listener();
  }

  onCursor = (listener: Listener): (() => void) => {
    this.#cursors.add(listener);
    return () => this.#cursors.delete(listener);
  };

  onView = (listener: Listener): (() => void) => {
    this.#views.add(listener);
    return () => this.#views.delete(listener);
  };
}

const Context = createContext<Group | null>(null);
const NO_MARKS: readonly Mark[] = [];

interface Props {
  marks?: readonly Mark[];
  /** In seconds of the run; else each shows what it has. */
  domain?: [from: number, to: number] | null;
  children: ReactNode;
}

/** All plots in it that lie along time have one cursor, one zoom and the same marks. */
export function PlotGroup({ marks = NO_MARKS, domain = null, children }: Props) {
  const [group] = useState(() => new Group());
  useEffect(() => group.mark(marks), [group, marks]);
  useEffect(() => group.showing(domain));
  return <Context.Provider value={group}>{children}</Context.Provider>;
}

/** The group around a plot; one that lies along something else than time has its own. */
export function useGroup(isOwn = false): Group {
  const [own] = useState(() => new Group());
  const around = useContext(Context);
  return isOwn || !around ? own : around;
}
