// Turns rows of a run into points, throughput against latency, and marks the knee.
import { latency, moment, rate } from '../ui/format';
import type { Content } from './chart';
import { useGroup } from './group';
import type { Brush, Values } from './paint';
import { PlotFrame } from './PlotFrame';
import styles from './plots.module.css';
import { linear, milliseconds, type Axis } from './scales';
import { axisOf, extremesOf } from './TimePlot';
import { colourOf, plotFont, rgbOf } from './theme';

export interface ScatterPlotProps {
  /** In a sentence: what is seen here. */
  label: string;
  seconds: Values;
  rps: Values;
  /** A percentile of each row, in milliseconds. */
  ms: Values;
  /** Its name: p99. */
  name: string;
  /** The rate from which on it gets worse, where there is one. */
  knee?: number | null;
  scale?: 'linear' | 'log' | 'auto';
  height?: number;
  empty?: string;
}

/** Shades of time: more are not told apart. */
const SHADES = 24;

export function ScatterPlot({ label, seconds, rps, ms, name, knee = null, scale = 'auto', height = 280, empty }: ScatterPlotProps) {
  const group = useGroup(true);
  const points = Array.from({ length: rps.length }, (_, row) => row).filter((row) => Number.isFinite(rps[row]!) && ms[row]! > 0);
  const byRate = [...points].sort((a, b) => rps[a]! - rps[b]!);
  const rates = Float64Array.from(byRate, (row) => rps[row]!);
  const latencies = Float64Array.from(byRate, (row) => ms[row]!);
  const x = linear(rate);
  const y = axisOf(scale, milliseconds, false, () => extremesOf([[rates, latencies]], -Infinity, Infinity));
  const [, greatest] = extremesOf([[rates, rates]], -Infinity, Infinity, knee ?? 0);
  const content: Content = {
    xAxis: x,
    yAxis: y,
    domain: x.around(0, greatest, 6),
    rows: byRate.length,
    range: (from, to, ticks) => y.around(...extremesOf([[rates, latencies]], from, to), ticks),
    rowAt: (place) => closest(rates, place),
    placeOf: (row) => rates[row]!,
    label: (row) => `at ${moment(seconds[byRate[row]!], true)}`,
    told: (row) => (row < 0 ? [] : [
      { text: rate(rates[row]), place: NaN, colour: 'series-1' },
      { text: latency(latencies[row]), place: y.to(latencies[row]!), colour: 'series-1' },
    ]),
    paint: (brush) => {
      paintPoints(brush, points, rps, ms, seconds, y);
      if (knee !== null) paintKnee(brush, knee);
    },
  };
  const legend = [{ label: 'Achieved rate', colour: 'series-1' as const, look: 'none' as const }, { label: name, colour: 'series-1' as const, look: 'none' as const }];
  return (
    <PlotFrame
      label={label} content={content} group={group} legend={legend} height={height} empty={empty}
      beside={<span className={styles.scale}>start<i className={`${styles.ramp} ${styles.time}`} aria-hidden="true" />end</span>}
    />
  );
}

function closest(values: Float64Array, place: number): number {
  let best = -1;
  for (let row = 0; row < values.length; row += 1) {
    if (best < 0 || Math.abs(values[row]! - place) < Math.abs(values[best]! - place)) best = row;
  }
  return best;
}

function paintPoints(brush: Brush, points: number[], rps: Values, ms: Values, seconds: Values, y: Axis): void {
  const { ctx, ratio } = brush;
  const last = Math.max(1, seconds[seconds.length - 1] ?? 1);
  const [from, to] = [rgbOf('series-8'), rgbOf('series-1')];
  const radius = (points.length > 600 ? 1.8 : 2.6) * ratio;
  ctx.globalAlpha = 0.6;
  for (let shade = 0; shade < SHADES; shade += 1) {
    ctx.beginPath();
    for (const row of points) {
      if (Math.min(SHADES - 1, Math.floor((seconds[row]! / last) * SHADES)) !== shade) continue;
      const [left, top] = [brush.x(rps[row]!), brush.y(y.to(ms[row]!))];
      ctx.moveTo(left + radius, top);
      ctx.arc(left, top, radius, 0, 2 * Math.PI);
    }
    ctx.fillStyle = `rgb(${from.map((value, place) => Math.round(value + ((to[place]! - value) * shade) / (SHADES - 1))).join(' ')})`;
    ctx.fill();
  }
  ctx.globalAlpha = 1;
}

function paintKnee(brush: Brush, knee: number): void {
  const { ctx, ratio, top, height } = brush;
  const at = Math.round(brush.x(knee)) + 0.5;
  ctx.strokeStyle = ctx.fillStyle = colourOf('warning');
  ctx.lineWidth = 1.5 * ratio;
  ctx.setLineDash([4 * ratio, 3 * ratio]);
  ctx.beginPath();
  ctx.moveTo(at, top);
  ctx.lineTo(at, top + height);
  ctx.stroke();
  ctx.setLineDash([]);
  const size = parseFloat(plotFont()) || 12;
  ctx.font = plotFont().replace(/^[\d.]+px/, `${size * ratio}px`);
  const text = `knee at ${rate(knee)}`;
  const wide = ctx.measureText(text).width;
  const isRight = at + 6 * ratio + wide < brush.left + brush.width;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'top';
  ctx.fillText(text, isRight ? at + 6 * ratio : at - 6 * ratio - wide, top + 4 * ratio);
}
