// Turns a planned rate into a picture whose points can be moved, with the pointer and with the keyboard.
import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { duration, moment, rate } from '../ui/format';
import type { Values } from './paint';
import { movePoint, tidy, type ProfilePoint } from './profile';
import styles from './plots.module.css';
import { linear, overTime } from './scales';

export type { ProfilePoint } from './profile';

export interface ProfilePlotProps {
  /** In a sentence: what is seen here. */
  label: string;
  durationSeconds: number;
  /** The planned rate as the controller tells it: moments and rates. Without it the points are joined. */
  seconds?: Values;
  rps?: Values;
  /** What can be moved; nothing where there is none. */
  points?: readonly ProfilePoint[];
  /** While a point is moved, each time; `isDone` says that it was let go. */
  onChange?: (points: ProfilePoint[], isDone: boolean) => void;
  mostRps?: number;
  height?: number;
}

const LEFT = 62;
const RIGHT = 20;
const TOP = 14;
const BOTTOM = 26;
const NONE: readonly ProfilePoint[] = [];

export function ProfilePlot({ label, durationSeconds, seconds, rps, points = NONE, onChange, mostRps = 1e9, height = 240 }: ProfilePlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  /** While a point is moved the axis stands still, or the point would run away from the pointer. */
  const [held, setHeld] = useState<{ place: number; top: number } | null>(null);
  const highest = Math.max(1e-9, ...points.map((point) => point.rps), ...Array.from(rps ?? [], (value) => value || 0));
  const axis = linear(rate);
  const ticksY = Math.max(2, Math.floor((height - TOP - BOTTOM) / 44));
  const top = held?.top ?? axis.around(0, highest, ticksY)[1];
  const whole = Math.max(durationSeconds, points[points.length - 1]?.second ?? 0, 1e-9);
  const [wide, high] = [Math.max(10, width - LEFT - RIGHT), height - TOP - BOTTOM];
  const x = (second: number): number => LEFT + (second / whole) * wide;
  const y = (value: number): number => TOP + high - (value / top) * high;
  const curve = seconds && rps ? Array.from(seconds, (second, row) => [second, rps[row]!] as const) : points.map((point) => [point.second, point.rps] as const);
  const d = curve.filter(([, value]) => Number.isFinite(value)).map(([second, value], n) => `${n === 0 ? 'M' : 'L'}${x(second).toFixed(1)} ${y(value).toFixed(1)}`).join('');
  const [first, last] = [curve[0]?.[0] ?? 0, curve[curve.length - 1]?.[0] ?? 0];

  const move = (place: number, to: { second: number; rps: number }, isDone: boolean): void => onChange?.(movePoint(points, place, to, { mostSeconds: whole, mostRps }), isDone);

  const dragged = (event: PointerEvent, isDone: boolean): void => {
    if (!held || !box.current) return;
    const at = box.current.getBoundingClientRect();
    const second = tidy(((event.clientX - at.left - LEFT) / wide) * whole, whole / wide);
    // Beyond the upper edge the rate grows faster, so that any rate can be reached.
    const up = (TOP + high - (event.clientY - at.top)) / high;
    move(held.place, { second, rps: tidy(up * top, top / high) }, isDone);
    if (isDone) setHeld(null);
  };

  const onKey = (event: KeyboardEvent, place: number): void => {
    const point = points[place]!;
    const factor = event.shiftKey ? 10 : 1;
    const bySecond = tidy(whole / 60, whole / 60) * factor;
    const byRate = tidy(top / 50, top / 50) * factor;
    const by = { ArrowRight: [bySecond, 0], ArrowLeft: [-bySecond, 0], ArrowUp: [0, byRate], ArrowDown: [0, -byRate] }[event.key];
    if (!by) return;
    event.preventDefault();
    move(place, { second: Number((point.second + by[0]!).toPrecision(12)), rps: Number((point.rps + by[1]!).toPrecision(12)) }, true);
  };

  return (
    <div ref={box}>
      <svg className={styles.profile} height={height} role="group" aria-label={label} onPointerMove={(event) => dragged(event, false)} onPointerUp={(event) => dragged(event, true)} onPointerCancel={() => setHeld(null)}>
        {axis.ticks(0, top, ticksY).map((tick) => (
          <g key={tick}><path className={styles.gridLine} d={`M${LEFT} ${Math.round(y(tick)) + 0.5}H${LEFT + wide}`} /><text x={LEFT - 8} y={y(tick) + 4} textAnchor="end">{rate(tick)}</text></g>
        ))}
        {overTime.ticks(0, whole, Math.max(1, Math.floor(wide / 64))).map((tick) => (
          <g key={tick}><path className={styles.axisLine} d={`M${Math.round(x(tick)) + 0.5} ${TOP + high}v4`} /><text x={x(tick)} y={height - 6} textAnchor="middle">{moment(tick)}</text></g>
        ))}
        <path className={styles.axisLine} d={`M${LEFT} ${TOP + high + 0.5}H${LEFT + wide}`} />
        {d && <path className={styles.plannedArea} d={`${d}L${x(last).toFixed(1)} ${y(0)}L${x(first).toFixed(1)} ${y(0)}Z`} />}
        <path className={styles.planned} d={d} />
        {onChange && points.map((point, place) => (
          <g key={place} transform={`translate(${x(point.second)} ${y(point.rps)})`}>
            <circle
              className={styles.grip} r={16} role="slider" tabIndex={0} aria-label={`${point.label ?? `Point ${place + 1}`}: arrow keys move it`}
              aria-valuemin={0} aria-valuemax={Math.max(top, point.rps)} aria-valuenow={point.rps} aria-valuetext={`${rate(point.rps)} at ${duration(point.second)}`}
              onKeyDown={(event) => onKey(event, place)}
              onPointerDown={(event) => { event.currentTarget.setPointerCapture(event.pointerId); setHeld({ place, top }); }}
            >
              <title>{`${point.label ? `${point.label}: ` : ''}${rate(point.rps)} at ${duration(point.second)}`}</title>
            </circle>
            <circle className={styles.point} r={5} pointerEvents="none" />
          </g>
        ))}
      </svg>
      {onChange && points.length > 0 && <p className={styles.says}>{held ? `${rate(points[held.place]!.rps)} at ${duration(points[held.place]!.second)}` : 'Drag a point, or choose it with Tab and move it with the arrow keys.'}</p>}
    </div>
  );
}

function useWidth(box: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(600);
  useEffect(() => {
    const observer = new ResizeObserver(() => setWidth(box.current?.clientWidth ?? 600));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, [box]);
  return width;
}
