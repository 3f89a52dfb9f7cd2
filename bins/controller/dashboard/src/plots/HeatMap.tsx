// Turns the distributions of a run's rows into a heat map: how many took so long, when.
import { useEffect, useRef, useState } from 'react';
import type { Rows } from '../live/rows';
import { count, latency } from '../ui/format';
import type { Content } from './chart';
import { useGroup } from './group';
import { HeatImage } from './heat';
import { checksum, firstFrom, type Brush } from './paint';
import { PlotFrame } from './PlotFrame';
import styles from './plots.module.css';
import { logarithmic, milliseconds } from './scales';
import { extremesOf, timeRows } from './TimePlot';
import { onColours } from './theme';

export interface HeatMapProps {
  /** In a sentence: what is seen here. */
  label: string;
  /** Of a run, or of one request of its mix. */
  rows: Rows;
  height?: number;
  empty?: string;
}

const axis = logarithmic(milliseconds);

export function HeatMap({ label, rows, height = 240, empty }: HeatMapProps) {
  const group = useGroup();
  const image = useRef<HeatImage | null>(null);
  image.current ??= new HeatImage();
  const [theme, setTheme] = useState(0);
  useEffect(() => onColours(() => setTheme((before) => before + 1)), []);
  const x = rows.seconds;
  // The fastest of a row is not known; its first per cent is near enough to say where the map begins.
  const columns = [[x, rows.quantile(0.001)], [x, rows.quantile(1)]] as const;
  const [median, high, longest] = [rows.quantile(0.5), rows.quantile(0.99), rows.column('maxMs')];
  const content: Content = {
    ...timeRows(x, rows.rowSeconds),
    yAxis: axis,
    range: (from, to, ticks) => axis.around(...extremesOf(columns, from - rows.rowSeconds, to), ticks),
    signature: (known) => [theme, rows.rowSeconds, x[0], known > 0 ? x[known - 1] : '', checksum(median, known)].join(),
    paint: (brush) => paintHeat(brush, image.current!, rows, theme),
    told: (row) => {
      // The same figures as beside it: a run tells these exactly, its distributions within 3.2%.
      const texts = [latency(median[row]), latency(high[row]), latency(longest[row]), count(rows.column('total')[row])];
      return texts.map((text) => ({ text, place: NaN, colour: 'series-1' as const }));
    },
  };
  const legend = ['p50', 'p99', 'Max', 'Requests'].map((name) => ({ label: name, colour: 'series-1' as const, look: 'none' as const }));
  return <PlotFrame label={label} content={content} group={group} legend={legend} height={height} empty={empty} beside={<HeatScale />} />;
}

function HeatScale() {
  return (
    <span className={styles.scale} title="The share of a moment's requests that took so long">
      0.1%<i className={`${styles.ramp} ${styles.heat}`} aria-hidden="true" />100%
    </span>
  );
}

/** Answers whether what was painted before may stay. */
function paintHeat(brush: Brush, image: HeatImage, rows: Rows, theme: number): boolean {
  const seconds = rows.seconds;
  const first = Math.max(0, firstFrom(seconds, brush.from - rows.rowSeconds + 1e-9));
  const last = Math.min(rows.length, firstFrom(seconds, brush.to)) - 1;
  if (last < first) return true;
  const [low, high] = [placeAt(brush, brush.top + brush.height), placeAt(brush, brush.top)];
  const { from, seconds: span, isAnew } = image.update({ rows, first, last, low, high, height: Math.round(brush.height), mostColumns: Math.max(60, Math.round(brush.width)), theme });
  const [left, right] = [brush.x(from), brush.x(from + span)];
  brush.ctx.imageSmoothingEnabled = false;
  brush.ctx.drawImage(image.canvas, 0, 0, image.columns, image.canvas.height, left, brush.top, right - left, brush.height);
  return !isAnew;
}

/** What stands at a height; the other way round than `brush.y`. */
function placeAt(brush: Brush, y: number): number {
  const [zero, one] = [brush.y(0), brush.y(1)];
  return Number(((y - zero) / (one - zero)).toFixed(6));
}
