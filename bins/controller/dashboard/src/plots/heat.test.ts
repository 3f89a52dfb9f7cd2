// Checks that a heat map paints every request where it belongs, and of what follows only the new columns.
import { madeFrames } from '../../tools/made-run.mjs';
import { RunData } from '../live/run-data';
import { HeatImage } from './heat';

const HEIGHT = 120;
let columns: Map<number, Uint32Array>;

beforeEach(() => {
  columns = new Map();
  const context = {
    createImageData: (width: number, height: number) => ({ data: new Uint8ClampedArray(width * height * 4) }),
    putImageData: (image: { data: Uint8ClampedArray }, x: number) => columns.set(x, new Uint32Array(image.data.buffer.slice(0))),
  };
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(context as never);
});
afterEach(() => vi.restoreAllMocks());

const run = (seconds: number) => {
  const data = new RunData();
  for (const frame of madeFrames({ seconds, workers: 1, requests: 0, rate: 200 })) data.addFrame(frame);
  return data;
};
const view = (data: RunData, last: number, more = {}) => ({ rows: data.rows, first: 0, last, low: 0, high: 3, height: HEIGHT, mostColumns: 500, theme: 0, ...more });

describe('a heat map', () => {
  it('has a column for each row, and paints the new ones alone', () => {
    const data = run(100);
    const image = new HeatImage();
    expect(image.update(view(data, 49))).toEqual({ from: 0, seconds: 50, isAnew: true });
    expect(image.painted).toBe(50);
    expect(image.update(view(data, 52))).toEqual({ from: 0, seconds: 53, isAnew: false });
    // Three new ones, and the one before, which may have grown.
    expect(image.painted).toBe(54);
  });

  it('is the same, whether it grew or was painted at once', () => {
    const data = run(100);
    const image = new HeatImage();
    for (let last = 0; last < 100; last += 7) image.update(view(data, Math.min(99, last)));
    image.update(view(data, 99));
    const grown = new Map(columns);
    columns.clear();
    new HeatImage().update(view(data, 99));
    expect([...columns]).toEqual([...grown].sort(([a], [b]) => a - b));
  });

  it('puts rows that share a pixel into one column', () => {
    const data = run(100);
    const image = new HeatImage();
    image.update(view(data, 99, { mostColumns: 30 }));
    expect([image.step, image.columns]).toEqual([4, 25]);
    expect([...columns.keys()]).toEqual(Array.from({ length: 25 }, (_, n) => n));
  });

  it('begins anew where the range, the colours or the run are others', () => {
    const data = run(20);
    const image = new HeatImage();
    image.update(view(data, 19));
    for (const more of [{ high: 4 }, { theme: 1 }, { height: 99 }]) expect(image.update(view(data, 19, more)).isAnew).toBe(true);
    expect(image.update(view(run(20), 19, { height: 99 })).isAnew).toBe(true);
  });

  it('paints what lies where its latency is', () => {
    const data = new RunData();
    const row = { second: 0, due: 1, sent: 1, ok: 1, failed: 0, dropped: 0, backlog: 0 };
    // Of docs/results.md: two at place 126, one at place 130.
    data.addFrame({ seq: 1, type: 'interval', data: { ...row, distribution: 'fgIAAwE=' } });
    new HeatImage().update(view(data, 0, { low: -1, high: 1 }));
    const lit = [...columns.get(0)!].flatMap((pixel, y) => (pixel !== 0 ? [y] : []));
    // A bucket begins at (16 + place % 16) * 512 * 2^(place / 16 - 1) ns; a hundred times as long is all of the height.
    const at = (place: number) => Math.round(HEIGHT / 2 - (HEIGHT / 2) * Math.log10((((place % 16) + 16) * 512 * 2 ** (Math.floor(place / 16) - 1)) / 1e6));
    const between = (top: number, bottom: number) => Array.from({ length: Math.max(1, bottom - top) }, (_, n) => top + n);
    expect(lit).toEqual([...between(at(131), at(130)), ...between(at(127), at(126))]);
    columns.clear();
    new HeatImage().update(view(data, 0, { low: 1, high: 2 }));
    expect(columns.get(0)!.every((pixel) => pixel === 0)).toBe(true);
  });
});
