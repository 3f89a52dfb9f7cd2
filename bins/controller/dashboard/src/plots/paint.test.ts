// Checks what is painted of values, without a canvas: where lines go, and that no extreme is lost.
import { checksum, firstFrom, nearest, placed, trace, type Brush, type Trace } from './paint';

const brush = (from: number, to: number, width: number, since = from): Brush => ({
  ctx: null as never, left: 0, top: 0, width, height: 100, ratio: 1, from, to, since,
  x: (place) => ((place - from) / (to - from)) * width,
  y: (place) => 100 - place,
});

const seconds = (count: number) => Float64Array.from({ length: count }, (_, n) => n);

function parts(on: Brush, ys: number[] | Float64Array, more: Partial<Trace> = {}): number[][][] {
  const found: number[][][] = [];
  const point = (x: number, y: number) => found[found.length - 1]!.push([x, y]);
  trace(on, { xs: seconds(ys.length), ys, colour: 'series-1', half: 0.5, gap: 1.75, toY: (value) => value, ...more }, (x, y) => { found.push([]); point(x, y); }, point, point);
  return found;
}

describe('a line', () => {
  it('goes from the beginning of its first row to the end of its last', () => {
    expect(parts(brush(0, 3, 300), [10, 20, 30])).toEqual([[[0, 90], [50, 90], [150, 80], [250, 70], [300, 70]]]);
  });

  it('is interrupted where a value does not exist, and where rows lack', () => {
    expect(parts(brush(0, 4, 400), [10, NaN, 30, 40])).toHaveLength(2);
    expect(parts(brush(0, 9, 900), [10, 20, 30], { xs: [0, 1, 8] })).toHaveLength(2);
    expect(parts(brush(0, 9, 900), [NaN, NaN])).toHaveLength(0);
  });

  it('shows the highest and the lowest of what shares a pixel', () => {
    const ys = new Float64Array(3600).fill(10);
    [ys[1234], ys[2500]] = [95, 1];
    const all = parts(brush(0, 3600, 300), ys).flat().map(([, y]) => y!);
    expect(Math.min(...all)).toBe(5);
    expect(Math.max(...all)).toBe(99);
    expect(all.length).toBeLessThan(3 * 300);
  });

  it('is painted from where it is asked to on, with the same points', () => {
    const ys = Float64Array.from({ length: 100 }, (_, n) => n % 17);
    const whole = parts(brush(0, 100, 1000), ys)[0]!;
    const rest = parts(brush(0, 100, 1000, 90), ys)[0]!;
    expect(rest.length).toBeLessThan(20);
    expect(whole.slice(-10)).toEqual(rest.slice(-10));
    expect(parts(brush(0, 100, 1000, 90), ys, { isWhole: true })[0]).toEqual(whole);
  });

  it('stops beyond the range that is shown', () => {
    expect(parts(brush(0, 10, 100), seconds(1000)).flat().length).toBeLessThan(40);
  });
});

describe('rows', () => {
  it('are found by where they begin', () => {
    const xs = [0, 2, 4, 9];
    expect([-1, 0, 1, 4, 5, 9, 10].map((value) => firstFrom(xs, value))).toEqual([0, 0, 1, 2, 3, 3, 4]);
  });

  it('are found by their middle', () => {
    expect([-5, 0.9, 1.1, 3.4, 50].map((place) => nearest(seconds(4), 0.5, place))).toEqual([0, 0, 1, 3, 3]);
    expect(nearest([], 0.5, 3)).toBe(-1);
  });

  it('are other ones when one of them has changed', () => {
    const values = seconds(100);
    const before = checksum(values, 90);
    values[95] = 7;
    expect(checksum(values, 90)).toBe(before);
    values[40] = 7;
    expect(checksum(values, 90)).not.toBe(before);
    const missing = Float64Array.from([1, NaN]);
    expect(checksum(missing, 2)).not.toBe(checksum([1, 0], 2));
  });
});

describe('labels of marks', () => {
  const label = (look: 'change' | 'violation' | 'note', from: number) => ({ mark: { from, look, label: look, text: '' }, from, wide: 60 });

  it('do not lie on each other, and the important ones are kept', () => {
    const seen = placed([label('change', 10), label('violation', 40), label('note', 200), label('note', 290)], 300, 8);
    expect(seen.map(({ mark, at }) => [mark.look, at])).toEqual([['violation', 40], ['note', 200]]);
    expect(placed([label('note', 290)], 300, 8)[0]!.at).toBe(240);
  });
});
