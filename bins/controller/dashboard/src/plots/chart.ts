// Puts a plot's content into uPlot's frame: axes, cursor and zoom are uPlot's, what lies between them is painted here.
// It lies on a canvas of its own, so that a new second costs its own few pixels and not an hour's lines.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { NOTHING } from '../ui/format';
import { fitted } from './fit';
import type { Group } from './group';
import { paintMarks, type Brush } from './paint';
import styles from './plots.module.css';
import type { Axis } from './scales';
import { colourOf, onColours, plotFont, type Colour } from './theme';

/** A value of a row, as the legend tells it and as a dot on the plot. */
export interface Told {
  text: string;
  /** Where it stands along the vertical axis; NaN of what has no dot. */
  place: number;
  colour: Colour;
}

/** What a plot shows. A new one replaces the old one as a whole; what has not changed costs nothing. */
export interface Content {
  xAxis: Axis;
  yAxis: Axis;
  /** All that there is along the axis below, in its places. */
  domain: [number, number];
  /** The range of the vertical axis while this is shown of the other one. */
  range: (from: number, to: number, ticks: number) => [number, number];
  /** Answers `false` where nothing of what was painted before may stay. */
  paint: (brush: Brush) => boolean | void;
  /**
   * Another one where something else would be painted of so many first rows. While it is the same, only the rows that follow are painted.
   * Without it all is painted each time.
   */
  signature?: (rows: number) => string;
  rows: number;
  /** The row at a place; -1 where there is none. */
  rowAt: (place: number) => number;
  placeOf: (row: number) => number;
  /** What a row tells, in the order of the legend. */
  told: (row: number, place: number) => Told[];
  label: (row: number) => string;
}

/** What the page around a plot shows of it. */
export interface Shown {
  row: number;
  told: Told[];
  label: string;
  isCursor: boolean;
}

const AXIS_HEIGHT = 26;
const TICK_SPACE_X = 64;
const TICK_SPACE_Y = 38;

/** By how many pixels the newest row may be late: nobody sees it, and of an hour's plots most seconds then cost nothing. */
const LATE = 0.5;
/** As long as a drain lasts, and no longer: whatever is silent for more is so for good. */
const MOST_SILENT_ROWS = 60;
let charts = 0;

/** Plots that have changed are painted together, with the next picture. */
const waiting = new Set<Chart>();
let picture = 0;
function paintSoon(chart: Chart): void {
  waiting.add(chart);
  picture ||= requestAnimationFrame(() => {
    picture = 0;
    const changed = [...waiting];
    waiting.clear();
    for (const each of changed) each.paint();
  });
}

export class Chart {
  readonly #plot: uPlot;
  readonly #stops: (() => void)[] = [];
  readonly #dots: HTMLElement[] = [];
  #content: Content;
  #isSeen = false;
  #range: [number, number] = [0, 1];
  #fitted: [number, number];
  #isMoving = false;
  readonly #canvas = document.createElement('canvas');
  /** What uPlot has drawn, and what is painted within it. */
  #frame = '';
  #painted = { rows: -1, signature: '', until: 0 };
  /** Plots that begin together are not painted together ever after. */
  #late = (LATE * (1 + (charts++ % 6))) / 6;
  #colours = 0;

  constructor(
    readonly host: HTMLElement,
    content: Content,
    readonly group: Group,
    readonly height: number,
    readonly axisWidth: number,
    readonly onShown: (shown: Shown) => void,
  ) {
    this.#content = content;
    this.#fitted = group.domain ?? content.domain;
    this.#plot = new uPlot(this.#options(), [content.domain, [0, 1]], host);
    this.#canvas.className = styles.lines!;
    this.#plot.over.prepend(this.#canvas);
    const review = (): void => {
      this.#fit();
      this.#changed();
    };
    const recolour = (): void => {
      this.#colours += 1;
      this.#changed();
    };
    this.#stops.push(group.onCursor(() => this.#followCursor()), group.onView(review), onColours(recolour), this.#watchSize(), this.#watchSight());
  }

  set(content: Content): void {
    this.#content = content;
    this.#fit();
    this.#changed();
  }

  /** Also out of sight: plots that are given the same have the same view. */
  #fit(): void {
    const domain = this.group.domain ?? this.#content.domain;
    this.#fitted = this.#content.signature ? fitted(domain, this.#fitted) : domain;
  }

  get view(): [number, number] {
    return this.group.zoom ?? this.#fitted;
  }

  /** Now; what is out of sight is painted once it comes into sight. */
  paint(): void {
    if (!this.#isSeen) return;
    const { xAxis, yAxis } = this.#content;
    const [from, to] = this.view;
    const range = this.#rangeOf();
    // The texts of the axes say which axes they are.
    const frame = [from, to, range, this.#plot.width, uPlot.pxRatio, this.group.markKey, this.#colours, xAxis.text(to), yAxis.text(range[1])].join();
    if (frame !== this.#frame) {
      this.#frame = frame;
      this.#painted.rows = -1;
      this.#plot.setData([this.#content.domain, [0, 1]], true);
    } else this.#paintContent();
    this.#followCursor();
  }

  /** Moves the cursor by so many rows, at most to the first and the last that are seen; from nowhere it comes in at the end it moves away from. */
  step(by: number): void {
    const { rows, placeOf, rowAt } = this.#content;
    if (rows === 0) return;
    const [from, to] = this.view;
    const [first, last] = [Math.max(0, rowAt(from)), Math.min(rows - 1, rowAt(to))];
    const start = by > 0 ? first - 1 : last + 1;
    const now = this.group.cursor === null ? (Number.isFinite(by) ? start : first) : rowAt(this.group.cursor);
    this.group.moveTo(placeOf(Math.min(last, Math.max(first, now + by))));
  }

  destroy(): void {
    waiting.delete(this);
    for (const stop of this.#stops) stop();
    this.#plot.destroy();
  }

  #changed(): void {
    if (this.#isSeen) paintSoon(this);
  }

  #options(): uPlot.Options {
    const axis = (which: 'xAxis' | 'yAxis', space: number): uPlot.Axis => ({
      stroke: () => colourOf('text-soft'),
      font: plotFont(),
      space,
      gap: 6,
      splits: (plot, _axis, from, to) => {
        const length = which === 'xAxis' ? plot.bbox.width : plot.bbox.height;
        return this.#content[which].ticks(from, to, Math.max(1, Math.floor(length / uPlot.pxRatio / space)));
      },
      values: (_plot, places) => places.map((place) => this.#content[which].text(place)),
      filter: (_plot, places) => places,
    });
    const line = (name: Colour): (() => string) => () => colourOf(name);
    return {
      width: Math.max(80, this.host.clientWidth),
      height: this.height,
      padding: [18, 20, 0, 0],
      legend: { show: false },
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      scales: {
        x: { time: false, range: () => this.view },
        y: { range: () => (this.#range = this.#rangeOf()) },
      },
      axes: [
        { ...axis('xAxis', TICK_SPACE_X), size: AXIS_HEIGHT, grid: { show: false }, ticks: { show: true, size: 4, width: 1, stroke: line('axis') }, border: { show: true, width: 1, stroke: line('axis') } },
        { ...axis('yAxis', TICK_SPACE_Y), size: this.axisWidth, grid: { show: true, width: 1, stroke: line('grid'), filter: (_plot, places) => places }, ticks: { show: false } },
      ],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: 6 },
        bind: {
          dblclick: () => () => {
            this.group.zoomTo(null);
            return null;
          },
        },
      },
      hooks: {
        drawAxes: [(plot) => paintMarks(this.#brush(plot.ctx, plot.bbox.left, plot.bbox.top), this.group.marks)],
        draw: [() => this.#paintContent()],
        setCursor: [(plot) => this.#cursorMoved(plot)],
        setSelect: [(plot) => this.#selected(plot)],
      },
    };
  }

  #rangeOf(): [number, number] {
    const [from, to] = this.view;
    const [low, high] = this.#content.range(from, to, Math.max(2, Math.floor((this.height - AXIS_HEIGHT - 18) / TICK_SPACE_Y)));
    return high > low ? [low, high] : [low, low + 1];
  }

  #brush(ctx: CanvasRenderingContext2D, left: number, top: number): Brush {
    const { width, height } = this.#plot.bbox;
    const [[from, to], [low, high]] = [this.view, this.#range];
    const [perX, perY] = [width / (to - from), height / (high - low)];
    return {
      ctx, left, top, width, height, from, to, since: from, ratio: uPlot.pxRatio,
      x: (place) => left + (place - from) * perX,
      y: (place) => top + height - (place - low) * perY,
    };
  }

  /** All of it, or the rows that are new. */
  #paintContent(): void {
    if (!this.#isSeen) return;
    const canvas = this.#canvas;
    const { width, height } = this.#plot.bbox;
    const content = this.#content;
    const ctx = canvas.getContext('2d')!;
    if (canvas.width !== width || canvas.height !== height) {
      [canvas.width, canvas.height] = [width, height];
      this.#painted.rows = -1;
    }
    const brush = this.#brush(ctx, 0, 0);
    const before = this.#painted;
    const isMore = content.signature !== undefined && before.rows >= 0 && before.rows < content.rows && content.signature(before.rows) === before.signature;
    const until = content.rows > 0 ? content.placeOf(content.rows - 1) : 0;
    if (isMore && brush.x(until) - brush.x(before.until) < this.#late * brush.ratio) return;
    if (isMore) this.#late = LATE;
    // A line that ends at the edge of what is painted anew would have an end there: some pixels more are taken.
    const left = isMore ? Math.max(0, Math.floor(brush.x(content.placeOf(Math.max(0, before.rows - 1)))) - 4) : 0;
    const paint = (from: number): boolean => {
      ctx.save();
      ctx.clearRect(from, 0, width - from, height);
      ctx.beginPath();
      ctx.rect(from, 0, width - from, height);
      ctx.clip();
      const mayStay = content.paint({ ...brush, since: from === 0 ? brush.from : brush.from + ((from - 4) * (brush.to - brush.from)) / width });
      ctx.restore();
      return mayStay !== false;
    };
    if (!paint(left) && left > 0) paint(0);
    // The newest row may still grow.
    const rows = Math.max(0, content.rows - 1);
    this.#painted = { rows, signature: content.signature?.(rows) ?? '', until };
  }

  #cursorMoved(plot: uPlot): void {
    if (this.#isMoving) return;
    const { left } = plot.cursor;
    const isOver = left !== undefined && left >= 0;
    if (!isOver) return this.group.moveTo(null);
    const { rowAt, placeOf } = this.#content;
    const place = plot.posToVal(left, 'x');
    const row = rowAt(place);
    this.group.moveTo(row < 0 ? place : placeOf(row));
  }

  #selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 6) return;
    const [from, to] = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    const [least, most] = this.view;
    const rowWide = this.#content.rows > 1 ? this.#content.placeOf(1) - this.#content.placeOf(0) : 0;
    if (to - from > 2 * rowWide) this.group.zoomTo([Math.max(least, from), Math.min(most, to)]);
  }

  /** Shows what the row under the cursor tells; without a cursor, the last one. */
  #followCursor(): void {
    if (!this.#isSeen) return;
    const plot = this.#plot;
    const { cursor } = this.group;
    const { rowAt, told, label } = this.#content;
    const [from, to] = this.view;
    const isIn = cursor !== null && cursor >= from && cursor <= to;
    this.#isMoving = true;
    plot.setCursor(isIn ? { left: plot.valToPos(cursor, 'x'), top: 0 } : { left: -10, top: -10 }, false);
    this.#isMoving = false;
    const row = isIn ? rowAt(cursor) : this.#newest(rowAt(to));
    const shown = row < 0 && !isIn ? [] : told(row, isIn ? cursor : row === rowAt(to) ? to : this.#content.placeOf(row));
    this.#showDots(isIn ? shown : []);
    this.onShown({ row, told: shown, label: row < 0 ? '' : label(row), isCursor: isIn });
  }

  /** The last row of which its first and most important line tells something: after the load has ended there are some without a rate. */
  #newest(last: number): number {
    const { told, placeOf } = this.#content;
    for (let row = last; row >= 0 && row > last - MOST_SILENT_ROWS; row -= 1) {
      if (told(row, placeOf(row))[0]?.text !== NOTHING) return row;
    }
    return last;
  }

  #showDots(told: Told[]): void {
    const { over } = this.#plot;
    while (this.#dots.length < told.length) {
      const dot = document.createElement('i');
      dot.className = styles.dot!;
      over.append(dot);
      this.#dots.push(dot);
    }
    this.#dots.forEach((dot, place) => {
      const it = told[place];
      const isThere = it !== undefined && !Number.isNaN(it.place) && this.group.cursor !== null;
      dot.hidden = !isThere;
      if (!isThere) return;
      dot.style.background = `var(--${it.colour})`;
      dot.style.transform = `translate(${this.#plot.valToPos(this.group.cursor!, 'x')}px, ${this.#plot.valToPos(it.place, 'y')}px)`;
    });
  }

  #watchSize(): () => void {
    const observer = new ResizeObserver(() => {
      const width = Math.floor(this.host.clientWidth);
      if (width < 80 || width === this.#plot.width) return;
      this.#plot.setSize({ width, height: this.height });
      this.#changed();
    });
    observer.observe(this.host);
    return () => observer.disconnect();
  }

  #watchSight(): () => void {
    const observer = new IntersectionObserver(
      ([entry]) => {
        const isSeen = entry!.isIntersecting;
        if (isSeen === this.#isSeen) return;
        this.#isSeen = isSeen;
        this.#changed();
      },
      { rootMargin: '80px' },
    );
    observer.observe(this.host);
    return () => observer.disconnect();
  }
}
