// Turns distributions into curves over percentiles, along HdrHistogram's axis: each further nine has as much room as the one before.
import { latency } from '../ui/format';
import type { Content } from './chart';
import { useGroup } from './group';
import { paintTrace } from './paint';
import { PlotFrame, useSwitches } from './PlotFrame';
import { milliseconds, overPercentiles } from './scales';
import { axisOf, extremesOf } from './TimePlot';
import { seriesColour, type Colour } from './theme';

/** All latencies of something: exact, or compact. */
export interface Latencies {
  readonly total: number;
  quantile: (q: number) => number | null;
}

export interface Curve {
  label: string;
  distribution: Latencies;
  colour?: Colour;
  dash?: boolean;
}

export interface PercentilePlotProps {
  /** In a sentence: what is seen here. */
  label: string;
  curves: readonly Curve[];
  scale?: 'linear' | 'log' | 'auto';
  height?: number;
  empty?: string;
}

const PER_NINE = 40;
const MOST_NINES = 6;

/** How far a curve goes: beyond, all would be its one longest request. */
const nines = (total: number): number => Math.min(MOST_NINES, Math.max(1, Math.log10(Math.max(1, total))));

export function PercentilePlot({ label, curves, scale = 'auto', height = 280, empty }: PercentilePlotProps) {
  const group = useGroup(true);
  const [off, toggle] = useSwitches();
  const there = curves.filter(({ distribution }) => distribution.total > 0);
  const most = Math.max(1, ...there.map(({ distribution }) => nines(distribution.total)));
  const places = Float64Array.from({ length: Math.floor(most * PER_NINE) + 1 }, (_, n) => n / PER_NINE);
  const lines = there.map((curve) => ({
    ...curve,
    colour: curve.colour ?? seriesColour(curves.indexOf(curve)),
    y: places.map((place) => (place <= nines(curve.distribution.total) + 1e-9 ? (curve.distribution.quantile(overPercentiles.from(place)) ?? NaN) : NaN)),
  }));
  const shown = lines.filter((line) => !off.has(line.label));
  const axis = axisOf(scale, milliseconds, false, () => extremesOf(lines.map(({ y }) => [places, y]), 0, most));
  const content: Content = {
    xAxis: overPercentiles,
    yAxis: axis,
    domain: [0, most],
    rows: there.length === 0 ? 0 : places.length,
    range: (from, to, ticks) => axis.around(...extremesOf(shown.map(({ y }) => [places, y]), from, to), ticks),
    rowAt: (place) => (there.length === 0 ? -1 : Math.min(places.length - 1, Math.max(0, Math.round(place * PER_NINE)))),
    placeOf: (row) => row / PER_NINE,
    label: (row) => percentile(overPercentiles.from(row / PER_NINE)),
    paint: (brush) => {
      for (const line of [...shown].reverse()) paintTrace(brush, { xs: places, ys: line.y, colour: line.colour, dash: line.dash, half: 0, gap: Infinity, toY: axis.to });
    },
    told: (row) => lines.map((line) => ({ text: latency(row < 0 ? NaN : line.y[row]), place: row < 0 || off.has(line.label) ? NaN : axis.to(line.y[row]!), colour: line.colour })),
  };
  const legend = lines.map((line) => ({ label: line.label, colour: line.colour, look: line.dash ? ('dash' as const) : undefined, isOff: off.has(line.label) }));
  return <PlotFrame label={label} content={content} group={group} legend={legend} onToggle={toggle} height={height} empty={empty} />;
}

/** 99.95% of requests, with as many digits as there are nines. */
const percentile = (q: number): string => `${Number((100 * q).toFixed(Math.max(0, Math.floor(overPercentiles.to(q)) - 1)))}% of requests`;
