// Turns columns over time into lines and filled areas.
import { moment, rate } from '../ui/format';
import type { Content } from './chart';
import { useGroup } from './group';
import { checksum, firstFrom, nearest, paintTrace, type Values } from './paint';
import { PlotFrame, useSwitches } from './PlotFrame';
import { isLong, linear, logarithmic, overTime, wantsLog, type Axis, type Format } from './scales';
import { seriesColour, type Colour } from './theme';

export interface Line {
  label: string;
  y: Values;
  /** Where its own rows begin, if they are not those of the plot: the planned rate goes on where nothing is measured yet. */
  x?: Values;
  /** Seconds in each of its own rows. 0: its values are those of moments. */
  rowSeconds?: number;
  colour?: Colour;
  look?: 'line' | 'area';
  dash?: boolean;
  thin?: boolean;
}

export interface TimePlotProps {
  /** In a sentence: what is seen here. */
  label: string;
  /** Where each row begins, in seconds since the start. */
  x: Values;
  rowSeconds: number;
  lines: readonly Line[];
  format?: Format;
  /** `auto` takes a logarithmic one where values differ by more than 25 times. */
  scale?: 'linear' | 'log' | 'auto';
  /** What is counted has no ticks between whole numbers. */
  whole?: boolean;
  /** The least that the upper edge stands for, so that noise around nothing does not fill the plot. */
  atLeast?: number;
  height?: number;
  empty?: string;
}

export function TimePlot({ label, lines, height, empty, ...rest }: TimePlotProps) {
  const group = useGroup();
  const [off, toggle] = useSwitches();
  const content = timeContent({ ...rest, lines, off });
  const legend = lines.map((line, place) => ({ label: line.label, colour: line.colour ?? seriesColour(place), look: line.dash ? ('dash' as const) : undefined, isOff: off.has(line.label) }));
  return <PlotFrame label={label} content={content} group={group} legend={legend} onToggle={toggle} height={height} empty={empty} />;
}

interface Rest extends Omit<TimePlotProps, 'label' | 'height' | 'empty'> {
  off: ReadonlySet<string>;
}

/** What all plots over time have in common. */
export function timeRows(x: Values, rowSeconds: number): Pick<Content, 'xAxis' | 'domain' | 'rows' | 'rowAt' | 'placeOf' | 'label'> {
  const half = rowSeconds / 2;
  const [from, to] = x.length > 0 ? [x[0]!, x[x.length - 1]! + rowSeconds] : [0, 1];
  const long = isLong(to);
  return {
    xAxis: long ? { ...overTime, text: (place) => moment(place, true) } : overTime,
    domain: [from, to],
    rows: x.length,
    rowAt: (place) => nearest(x, half, place),
    placeOf: (row) => x[row]! + half,
    label: (row) => (rowSeconds === 1 ? moment(x[row], long) : `${moment(x[row], long)} to ${moment(x[row]! + rowSeconds, long)}`),
  };
}

function timeContent({ x, rowSeconds, lines, off, format = rate, scale = 'linear', whole = false, atLeast = 0 }: Rest): Content {
  const shown = lines.filter((line) => !off.has(line.label));
  const extremes = (from: number, to: number): [number, number] => extremesOf(shown.map((line) => [line.x ?? x, line.y]), from - rowSeconds, to, atLeast);
  const axis = axisOf(scale, format, whole, () => extremesOf(lines.map((line) => [line.x ?? x, line.y]), -Infinity, Infinity, atLeast));
  return {
    ...timeRows(x, rowSeconds),
    yAxis: axis,
    range: (from, to, ticks) => axis.around(...extremes(from, to), ticks),
    signature: (rows) => signatureOf(x, rowSeconds, rows, shown),
    paint: (brush) => {
      // The first line is the most important one, and lies on top.
      for (const line of [...shown].reverse()) {
        const seconds = line.x ? (line.rowSeconds ?? 0) : rowSeconds;
        const gap = line.x ? Infinity : rowSeconds * 1.75;
        paintTrace(brush, { xs: line.x ?? x, ys: line.y, colour: line.colour ?? seriesColour(lines.indexOf(line)), area: line.look === 'area' && scale !== 'log', dash: line.dash, thin: line.thin, half: seconds / 2, gap, toY: axis.to });
      }
    },
    told: (row, place) =>
      lines.map((line, n) => {
        const at = line.x ? nearest(line.x, (line.rowSeconds ?? 0) / 2, place) : row;
        const value = at < 0 ? NaN : line.y[at]!;
        return { text: format(value), place: off.has(line.label) ? NaN : axis.to(value), colour: line.colour ?? seriesColour(n) };
      }),
  };
}

/** What lines or layers look like in their first rows. */
export function signatureOf(x: Values, rowSeconds: number, rows: number, lines: readonly { label: string; y: Values; x?: Values }[]): string {
  const parts = lines.map((line) => `${line.label} ${line.x ? checksum(line.x, line.x.length) : ''} ${checksum(line.y, line.x ? line.y.length : rows)}`);
  return [rowSeconds, x[0], rows > 0 ? x[rows - 1] : '', ...parts].join();
}

export function axisOf(scale: 'linear' | 'log' | 'auto', format: Format, whole: boolean, extremes: () => [number, number]): Axis {
  const isLog = scale === 'log' || (scale === 'auto' && wantsLog(...extremes()));
  return isLog ? logarithmic(format) : linear(format, whole);
}

/** The least value above zero and the greatest of all, of rows that begin in a range. */
export function extremesOf(columns: readonly (readonly [xs: Values, ys: Values])[], from: number, to: number, atLeast = 0): [number, number] {
  let [least, greatest] = [Infinity, atLeast];
  for (const [xs, ys] of columns) {
    for (let row = firstFrom(xs, from); row < xs.length && xs[row]! <= to; row += 1) {
      const value = ys[row]!;
      if (value > greatest) greatest = value;
      if (value < least && value > 0) least = value;
    }
  }
  return [least === Infinity ? 0 : least, greatest];
}
