// Puts a legend, the keyboard and words for those who do not see it around a plot.
import { useEffect, useId, useRef, useState, useSyncExternalStore, type KeyboardEvent, type ReactNode } from 'react';
import type { Chart, Content, Shown } from './chart';
import type { Group } from './group';
import styles from './plots.module.css';
import type { Colour } from './theme';

/** An entry of the legend; one for each value that a row tells, in their order. */
export interface Entry {
  label: string;
  colour: Colour;
  look?: 'line' | 'dash' | 'block' | 'none';
  isOff?: boolean;
}

interface Props {
  /** In a sentence: what is seen here. */
  label: string;
  content: Content;
  group: Group;
  legend: readonly Entry[];
  /** Switches an entry off, and on again. */
  onToggle?: (label: string) => void;
  height?: number;
  axisWidth?: number;
  /** Beside the legend: a scale of colours. */
  beside?: ReactNode;
  /** What is said where there is nothing to see. */
  empty?: string;
}

export const PLOT_HEIGHT = 210;
const AXIS_WIDTH = 62;

/** The first picture of a page is not kept waiting for it: what is around a plot has its size already. */
const chartModule = () => import('./chart');
// While the page waits for its first figures, so that they do not wait for it. Whoever cannot idle asks with the first plot.
if (typeof requestIdleCallback === 'function') requestIdleCallback(() => void chartModule().catch(() => undefined));

export function PlotFrame({ label, content, group, legend, onToggle, height = PLOT_HEIGHT, axisWidth = AXIS_WIDTH, beside, empty = 'No figures yet' }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const values = useRef<(HTMLElement | null)[]>([]);
  const when = useRef<HTMLSpanElement>(null);
  const latest = useRef(content);
  latest.current = content;
  const names = useRef<readonly Entry[]>(legend);
  names.current = legend;
  const [hasFailed, setFailed] = useState(false);

  useEffect(() => {
    const show = ({ row, told, label: at, isCursor }: Shown): void => {
      values.current.forEach((element, place) => setText(element, told[place]?.text ?? ''));
      setText(when.current, at);
      when.current?.setAttribute('data-cursor', String(isCursor));
      const plot = box.current;
      plot?.setAttribute('aria-valuemax', String(Math.max(0, latest.current.rows - 1)));
      plot?.setAttribute('aria-valuenow', String(Math.max(0, row)));
      plot?.setAttribute('aria-valuetext', [at, ...told.map(({ text }, place) => `${names.current[place]?.label ?? ''} ${text}`)].join('; '));
    };
    let isGone = false;
    const begin = async (): Promise<void> => {
      const module = await chartModule();
      if (!isGone) chart.current = new module.Chart(host.current!, latest.current, group, height, axisWidth, show);
    };
    begin().catch(() => !isGone && setFailed(true));
    return () => {
      isGone = true;
      chart.current?.destroy();
      chart.current = null;
    };
  }, [group, height, axisWidth]);
  // After each render: what is drawn is what was given last.
  useEffect(() => chart.current?.set(content));

  const onKeyDown = (event: KeyboardEvent): void => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === 'Escape' && (group.cursor !== null || group.zoom)) {
      if (group.cursor === null) group.zoomTo(null);
      group.moveTo(null);
    } else if (by !== undefined) chart.current?.step(by);
    else return;
    event.preventDefault();
  };

  return (
    <div className={styles.frame}>
      <div className={styles.top}>
        <div className={styles.legend}>
          {legend.map((entry, place) => <LegendEntry key={entry.label} entry={entry} onToggle={onToggle} valueRef={(element) => { values.current[place] = element; }} />)}
        </div>
        {beside}
        <span ref={when} className={styles.when} />
      </div>
      <div
        ref={box} className={styles.plot} role="slider" tabIndex={0} aria-label={`${label} Arrow keys move along it.`}
        aria-orientation="horizontal" aria-valuemin={0} aria-valuemax={0} aria-valuenow={0} aria-valuetext=""
        onKeyDown={onKeyDown} onBlur={() => group.moveTo(null)}
      >
        <div ref={host} className={styles.canvas} style={{ height }} />
        {hasFailed ? <p className={styles.empty} role="alert">The plot could not be loaded. Load the page again.</p> : content.rows === 0 && <p className={styles.empty}>{empty}</p>}
      </div>
      <Tools label={label} content={content} group={group} legend={legend} view={() => chart.current?.view ?? content.domain} />
    </div>
  );
}

function setText(element: HTMLElement | null, text: string): void {
  if (element && element.textContent !== text) element.textContent = text;
}

function LegendEntry({ entry, onToggle, valueRef }: { entry: Entry; onToggle?: (label: string) => void; valueRef: (element: HTMLElement | null) => void }) {
  const inside = (
    <>
      <Swatch colour={entry.colour} look={entry.look} />
      <span className={styles.name} title={entry.label}>{entry.label}</span>
      <b ref={valueRef} className={styles.value} />
    </>
  );
  if (!onToggle) return <span className={styles.entry}>{inside}</span>;
  return <button type="button" className={styles.entry} aria-pressed={!entry.isOff} onClick={() => onToggle(entry.label)}>{inside}</button>;
}

export function Swatch({ colour, look = 'line' }: { colour: Colour; look?: Entry['look'] }) {
  if (look === 'none') return null;
  const stroke = `var(--${colour})`;
  return (
    <svg className={styles.swatch} viewBox="0 0 14 10" aria-hidden="true">
      {look === 'block' ? <rect x="1" y="1" width="12" height="8" rx="2" fill={stroke} /> : <path d="M0 5h14" stroke={stroke} strokeWidth="2.5" strokeDasharray={look === 'dash' ? '4 3' : undefined} />}
    </svg>
  );
}

/** The way back from a zoom, and the values in a table: for who reads them, or hears them. */
function Tools({ label, content, group, legend, view }: { label: string; content: Content; group: Group; legend: readonly Entry[]; view: () => [number, number] }) {
  const zoom = useSyncExternalStore(group.onView, () => group.zoom);
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  return (
    <>
      <div className={styles.tools}>
        {zoom && <button type="button" className={styles.tool} onClick={() => group.zoomTo(null)}>Show all</button>}
        <button type="button" className={`${styles.tool} ${styles.shy}`} aria-expanded={isOpen} aria-controls={id} onClick={() => setOpen(!isOpen)}>Values as a table</button>
      </div>
      <div id={id}>{isOpen && <ValueTable label={label} content={content} legend={legend} view={view()} />}</div>
    </>
  );
}

const MOST_TABLE_ROWS = 120;

function ValueTable({ label, content, legend, view }: { label: string; content: Content; legend: readonly Entry[]; view: [number, number] }) {
  const [first, last] = [content.rowAt(view[0]), content.rowAt(view[1])];
  const every = Math.max(1, Math.ceil((last - first + 1) / MOST_TABLE_ROWS));
  const rows = first < 0 ? [] : Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, n) => first + n * every);
  return (
    <div className={styles.table} tabIndex={0} role="region" aria-label={label}>
      <table>
        <caption>{every > 1 ? `One row of ${every} is shown; zoom in for all.` : 'All rows that are shown.'}</caption>
        <thead><tr><th scope="col">At</th>{legend.map((entry) => <th key={entry.label} scope="col">{entry.label}</th>)}</tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row}><th scope="row">{content.label(row)}</th>{content.told(row, content.placeOf(row)).map(({ text }, place) => <td key={place}>{text}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Which entries of a legend are switched off. */
export function useSwitches(): [off: ReadonlySet<string>, toggle: (label: string) => void] {
  const [off, setOff] = useState<ReadonlySet<string>>(new Set());
  const toggle = (label: string): void =>
    setOff((before) => {
      const after = new Set(before);
      if (!after.delete(label)) after.add(label);
      return after;
    });
  return [off, toggle];
}
