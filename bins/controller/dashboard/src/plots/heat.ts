// Turns the distributions of rows into a picture, a column for each; what is new costs one column.
import { eachBucket, EDGES_MS } from '../live/distribution';
import type { Rows } from '../live/rows';
import { rgbOf } from './theme';

const SHADES = 64;
/** Of a thousand requests one is seen: shares are told apart by their logarithm. */
const LEAST_SHARE = 1e-3;

/** 0 to 1, of a share of a row's requests. */
export const shade = (share: number): number => Math.min(1, Math.max(0, 1 - Math.log10(share) / Math.log10(LEAST_SHARE)));

function shades(): Uint32Array {
  const [from, to] = [rgbOf('heat-0'), rgbOf('heat-1')];
  return Uint32Array.from({ length: SHADES }, (_, n) => {
    const part = 0.14 + (0.86 * n) / (SHADES - 1);
    const [red, green, blue] = from.map((value, place) => Math.round(value + (to[place]! - value) * part)) as [number, number, number];
    return (255 << 24) | (blue << 16) | (green << 8) | red;
  });
}

/** What a picture is of; of another one it is made anew. */
export interface HeatView {
  rows: Rows;
  /** The rows that are seen. */
  first: number;
  last: number;
  /** The logarithms of the latencies at the lower and the upper edge. */
  low: number;
  high: number;
  /** In pixels of the canvas. */
  height: number;
  mostColumns: number;
  /** Counts up when colours change. */
  theme: number;
}

export class HeatImage {
  readonly canvas: HTMLCanvasElement = document.createElement('canvas');
  /** Rows of the run in each column. */
  step = 1;
  columns = 0;
  /** Columns that were painted since the picture was made: how much was to be done. */
  painted = 0;
  #key = '';
  #rows: Rows | null = null;
  #drawn = 0;
  #shares = new Float64Array(0);
  #shades: Uint32Array = new Uint32Array(0);

  /** Paints what is new; answers the second at which the picture begins, how many it spans, and whether it was begun anew. */
  update(view: HeatView): { from: number; seconds: number; isAnew: boolean } {
    const { rows, first, last, mostColumns, height, low, high, theme } = view;
    const seconds = rows.seconds;
    const start = seconds[first]!;
    const count = Math.round((seconds[last]! - start) / rows.rowSeconds) + 1;
    let step = 1;
    while (count / step > mostColumns) step *= 2;
    const key = [start, step, rows.rowSeconds, height, low, high, theme, mostColumns].join();
    const columns = Math.ceil(count / step);
    const isAnew = key !== this.#key || this.#rows !== rows || columns > this.canvas.width || this.#drawn > last + 1;
    if (isAnew) {
      [this.#key, this.#rows, this.step] = [key, rows, step];
      this.#shades = shades();
      this.#shares = new Float64Array(height);
      this.canvas.height = height;
      // Room for what comes, so that growing does not mean to begin anew each second.
      this.canvas.width = Math.min(mostColumns + 1, Math.ceil(columns * 1.25) + 16);
      this.#drawn = first;
    }
    this.columns = columns;
    const wide = rows.rowSeconds * step;
    const columnOf = (row: number): number => Math.floor((seconds[row]! - start) / wide);
    const ctx = this.canvas.getContext('2d', { willReadFrequently: false })!;
    const image = ctx.createImageData(1, height);
    const pixels = new Uint32Array(image.data.buffer);
    // The newest row may have grown, and shares its column with those before it.
    let row = Math.max(first, this.#drawn - 1);
    while (row > first && columnOf(row - 1) === columnOf(row)) row -= 1;
    while (row <= last) {
      const column = columnOf(row);
      let end = row;
      while (end <= last && columnOf(end) === column) end += 1;
      this.#column(rows, row, end, low, high, pixels);
      ctx.putImageData(image, column, 0);
      this.painted += 1;
      row = end;
    }
    this.#drawn = last + 1;
    return { from: start, seconds: columns * wide, isAnew };
  }

  #column(rows: Rows, from: number, to: number, low: number, high: number, pixels: Uint32Array): void {
    const shares = this.#shares;
    shares.fill(0);
    const height = shares.length;
    const per = height / (high - low);
    const edge = (place: number): number => (place === 0 ? height : height - (Math.log10(EDGES_MS[place]!) - low) * per);
    let total = 0;
    for (let row = from; row < to; row += 1) {
      const bytes = rows.distribution(row);
      if (!bytes) continue;
      eachBucket(bytes, (place, count) => {
        total += count;
        const top = Math.round(edge(place + 1));
        const bottom = Math.max(top + 1, Math.round(edge(place)));
        for (let y = Math.max(0, top); y < Math.min(height, bottom); y += 1) shares[y]! += count;
      });
    }
    for (let y = 0; y < height; y += 1) {
      pixels[y] = shares[y] === 0 ? 0 : this.#shades[Math.round(shade(shares[y]! / total) * (SHADES - 1))]!;
    }
  }
}
