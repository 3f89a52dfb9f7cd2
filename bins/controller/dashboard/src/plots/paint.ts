// Paints lines, areas, stacks and marks on a canvas. Of values that share a pixel the extremes are painted: none is lost.
import type { Mark, MarkLook } from '../live/marks';
import { colourOf, plotFont, type Colour } from './theme';

export type Values = ArrayLike<number>;

/** A canvas, and where values lie on it, in its own pixels. */
export interface Brush {
  ctx: CanvasRenderingContext2D;
  left: number;
  top: number;
  width: number;
  height: number;
  /** Its pixels to one of the page. */
  ratio: number;
  /** The range that is shown, along the axis below. */
  from: number;
  to: number;
  /** What is earlier is painted already. */
  since: number;
  x: (place: number) => number;
  y: (place: number) => number;
}

export interface Trace {
  xs: Values;
  ys: Values;
  colour: Colour;
  area?: boolean;
  dash?: boolean;
  thin?: boolean;
  /** Where along its row a value stands, and how far it reaches to both sides. */
  half: number;
  /** Rows that lie further apart are not joined. */
  gap: number;
  toY: (value: number) => number;
  /** From its first row on, whatever is asked for. */
  isWhole?: boolean;
}

/** The first row that begins at `value` or after it. */
export function firstFrom(xs: Values, value: number): number {
  let [low, high] = [0, xs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The row whose middle is nearest. */
export function nearest(xs: Values, half: number, value: number): number {
  const after = firstFrom(xs, value - half);
  if (after === 0) return xs.length > 0 ? 0 : -1;
  if (after === xs.length) return after - 1;
  return xs[after]! + half - value < value - xs[after - 1]! - half ? after : after - 1;
}

/** Another number where one of the first values is another one. */
export function checksum(values: Values, rows: number): number {
  let sum = 0;
  for (let row = 0; row < rows; row += 1) {
    const value = values[row]!;
    // What does not exist counts too: it may come to exist.
    sum += (value === value ? value : -0.3) * ((row % 13) + 1);
  }
  return sum;
}

type Point = (x: number, y: number) => void;

/** Calls `move` where a line begins, and `line` for what follows; answers nothing of values that do not exist. */
export function trace(brush: Brush, { xs, ys, half, gap, toY, isWhole }: Trace, move: Point, line: Point, end: Point): void {
  const first = isWhole ? 0 : Math.max(0, firstFrom(xs, brush.since - 2 * half) - 1);
  const scale = brush.x(1) - brush.x(0);
  const origin = brush.x(0);
  const wide = half * scale;
  let open = false;
  let [column, low, high, last, lastX, before] = [NaN, 0, 0, 0, 0, NaN];
  const flush = (): void => {
    if (Number.isNaN(column)) return;
    // The order within a pixel is not seen.
    if (low !== high) {
      line(lastX, low);
      line(lastX, high);
    }
    line(lastX, last);
    column = NaN;
  };
  for (let row = first; row < xs.length; row += 1) {
    const place = xs[row]! + half;
    const value = toY(ys[row]!);
    const isGone = Number.isNaN(value);
    if (open && (isGone || xs[row]! - before > gap)) {
      flush();
      end(lastX + wide, last);
      open = false;
    }
    if (!isGone) {
      const [x, y] = [origin + place * scale, brush.y(value)];
      if (!open) {
        move(x - wide, y);
        open = true;
      }
      if (Math.floor(x) === column) [low, high] = [Math.max(low, y), Math.min(high, y)];
      else {
        flush();
        column = Math.floor(x);
        low = high = y;
      }
      [last, lastX, before] = [y, x, xs[row]!];
    }
    if (place > brush.to + half) break;
  }
  flush();
  if (open) end(lastX + wide, last);
}

export function paintTrace(brush: Brush, it: Trace): void {
  const { ctx, ratio } = brush;
  const base = brush.top + brush.height;
  const colour = colourOf(it.colour);
  ctx.lineJoin = ctx.lineCap = 'round';
  // Dashes are counted from a line's beginning.
  if (it.dash) it = { ...it, isWhole: true };
  if (it.area) {
    ctx.beginPath();
    let start = 0;
    trace(
      brush, it,
      (x, y) => { start = x; ctx.moveTo(x, base); ctx.lineTo(x, y); },
      (x, y) => ctx.lineTo(x, y),
      (x, y) => { ctx.lineTo(x, y); ctx.lineTo(x, base); ctx.lineTo(start, base); },
    );
    ctx.globalAlpha = 0.14;
    ctx.fillStyle = colour;
    ctx.fill();
    ctx.globalAlpha = 1;
  }
  ctx.beginPath();
  const line: Point = (x, y) => ctx.lineTo(x, y);
  trace(brush, it, (x, y) => ctx.moveTo(x, y), line, line);
  ctx.setLineDash(it.dash ? [5 * ratio, 4 * ratio] : []);
  ctx.lineWidth = (it.thin ? 1.1 : 1.6) * ratio;
  ctx.strokeStyle = colour;
  ctx.stroke();
  ctx.setLineDash([]);
}

/** What lies on top of each other, in the order from the bottom up. */
export interface Stack {
  xs: Values;
  layers: { ys: Values; colour: Colour }[];
  rowSeconds: number;
}

/** A column for each row; of rows that share a pixel the one with the highest sum, so that a single bad second of an hour is seen. */
export function paintStack(brush: Brush, { xs, layers, rowSeconds }: Stack): void {
  const { ctx } = brush;
  const columns: { from: number; to: number; row: number; sum: number }[] = [];
  for (let row = Math.max(0, firstFrom(xs, brush.since - rowSeconds)); row < xs.length && xs[row]! < brush.to; row += 1) {
    let sum = 0;
    for (const { ys } of layers) sum += ys[row]! || 0;
    const from = Math.round(brush.x(xs[row]!));
    const to = Math.max(from + 1, Math.round(brush.x(xs[row]! + rowSeconds)));
    const before = columns[columns.length - 1];
    if (before && before.from === from) {
      if (sum > before.sum) [before.row, before.sum, before.to] = [row, sum, to];
    } else if (sum > 0) columns.push({ from, to, row, sum });
  }
  const below = new Float64Array(columns.length);
  const least = brush.ratio;
  for (const { ys, colour } of layers) {
    ctx.beginPath();
    columns.forEach(({ from, to, row }, place) => {
      const value = ys[row]! || 0;
      if (value <= 0) return;
      const bottom = brush.y(below[place]!);
      below[place]! += value;
      const top = Math.min(brush.y(below[place]!), bottom - least);
      ctx.rect(from, top, to - from, bottom - top);
    });
    ctx.fillStyle = colourOf(colour);
    ctx.globalAlpha = 0.75;
    ctx.fill();
  }
  ctx.globalAlpha = 1;
}

const LOOKS: Record<MarkLook, Colour> = { change: 'series-4', loss: 'bad', violation: 'bad', finding: 'warning', pause: 'neutral', note: 'text-faint' };

export const markColour = (look: MarkLook): Colour => LOOKS[look];

/** Bands below the lines, moments as dashes, and above the plot what they are, as far as there is room. */
export function paintMarks(brush: Brush, marks: readonly Mark[]): void {
  const { ctx, ratio, top, height, left, width } = brush;
  const clamp = (second: number): number => Math.min(left + width, Math.max(left, brush.x(Math.min(Math.max(second, brush.from), brush.to))));
  const size = parseFloat(plotFont()) || 12;
  ctx.font = plotFont().replace(/^[\d.]+px/, `${size * 0.9 * ratio}px`);
  ctx.textBaseline = 'alphabetic';
  ctx.textAlign = 'left';
  const seen = marks.filter((mark) => mark.from <= brush.to && (mark.to ?? mark.from) >= brush.from);
  for (const mark of seen) {
    const from = clamp(mark.from);
    ctx.fillStyle = ctx.strokeStyle = colourOf(LOOKS[mark.look]);
    if (mark.to !== undefined) {
      const wide = Math.max(2 * ratio, clamp(mark.to) - from);
      ctx.globalAlpha = 0.1;
      ctx.fillRect(from, top, wide, height);
      ctx.globalAlpha = 0.8;
      ctx.fillRect(from, top - 2 * ratio, wide, 2 * ratio);
      ctx.globalAlpha = 1;
    } else {
      ctx.lineWidth = ratio;
      ctx.setLineDash([2 * ratio, 3 * ratio]);
      ctx.beginPath();
      const at = Math.round(from) + 0.5;
      ctx.moveTo(at, top - 2 * ratio);
      ctx.lineTo(at, top + height);
      ctx.stroke();
      ctx.setLineDash([]);
    }
  }
  const labels = seen.map((mark) => ({ mark, from: clamp(mark.from), wide: ctx.measureText(mark.label).width }));
  for (const { mark, at } of placed(labels, left + width, 8 * ratio)) {
    ctx.fillStyle = colourOf(LOOKS[mark.look]);
    ctx.fillText(mark.label, at, top - 5 * ratio);
  }
}

const IMPORTANT: readonly MarkLook[] = ['violation', 'loss', 'finding', 'pause', 'change', 'note'];

interface Label {
  mark: Mark;
  from: number;
  wide: number;
}

/** Where labels stand: the most important ones, and of the others those that there is room for. */
export function placed(labels: readonly Label[], right: number, space: number): (Label & { at: number })[] {
  const taken: (Label & { at: number })[] = [];
  for (const label of [...labels].sort((a, b) => IMPORTANT.indexOf(a.mark.look) - IMPORTANT.indexOf(b.mark.look))) {
    const at = Math.min(label.from, right - label.wide);
    if (taken.every((other) => at >= other.at + other.wide + space || at + label.wide + space <= other.at)) taken.push({ ...label, at });
  }
  return taken;
}
