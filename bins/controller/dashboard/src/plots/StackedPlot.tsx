// Turns columns over time into areas on top of each other: parts of one whole.
import { count as countFormat } from '../ui/format';
import type { Content } from './chart';
import { useGroup } from './group';
import { firstFrom, paintStack, type Values } from './paint';
import { PlotFrame, useSwitches } from './PlotFrame';
import { linear, type Format } from './scales';
import { signatureOf, timeRows } from './TimePlot';
import { seriesColour, type Colour } from './theme';

export interface Layer {
  label: string;
  y: Values;
  colour?: Colour;
}

export interface StackedPlotProps {
  /** In a sentence: what is seen here. */
  label: string;
  x: Values;
  rowSeconds: number;
  /** From the bottom up. What is more than eight colours can tell apart, the smallest, is one layer, `Others`. */
  layers: readonly Layer[];
  format?: Format;
  whole?: boolean;
  height?: number;
  empty?: string;
}

const MOST_LAYERS = 8;

export function StackedPlot({ label, x, rowSeconds, layers, format = countFormat, whole = true, height, empty = 'None' }: StackedPlotProps) {
  const group = useGroup();
  const [off, toggle] = useSwitches();
  const seen = gathered(layers).map((layer, place) => ({ ...layer, colour: layer.colour ?? seriesColour(place) }));
  const shown = seen.filter((layer) => !off.has(layer.label));
  const axis = linear(format, whole);
  const content: Content = {
    ...timeRows(x, rowSeconds),
    yAxis: axis,
    range: (from, to, ticks) => axis.around(0, highestSum(x, shown, from - rowSeconds, to), ticks),
    signature: (rows) => signatureOf(x, rowSeconds, rows, shown),
    paint: (brush) => paintStack(brush, { xs: x, layers: shown.map(({ y, colour }) => ({ ys: y, colour })), rowSeconds }),
    told: (row) => seen.map((layer) => ({ text: format(row < 0 ? NaN : layer.y[row]!), place: NaN, colour: layer.colour })),
  };
  const legend = seen.map(({ label: name, colour }) => ({ label: name, colour, look: 'block' as const, isOff: off.has(name) }));
  return <PlotFrame label={label} content={seen.length === 0 ? { ...content, rows: 0 } : content} group={group} legend={legend} onToggle={toggle} height={height} empty={empty} />;
}

function highestSum(x: Values, layers: readonly Layer[], from: number, to: number): number {
  let highest = 0;
  for (let row = firstFrom(x, from); row < x.length && x[row]! <= to; row += 1) {
    let sum = 0;
    for (const { y } of layers) sum += y[row]! || 0;
    if (sum > highest) highest = sum;
  }
  return highest;
}

const total = ({ y }: Layer): number => {
  let sum = 0;
  for (let row = 0; row < y.length; row += 1) sum += y[row]! || 0;
  return sum;
};

/** At most as many layers as there are colours: the greatest, and all others as one. */
export function gathered(layers: readonly Layer[]): Layer[] {
  if (layers.length <= MOST_LAYERS) return [...layers];
  const byTotal = layers.map((layer) => ({ layer, total: total(layer) })).sort((a, b) => b.total - a.total);
  const kept = new Set(byTotal.slice(0, MOST_LAYERS - 1).map(({ layer }) => layer));
  const others = new Float64Array(Math.max(...layers.map(({ y }) => y.length)));
  for (const layer of layers) {
    if (!kept.has(layer)) for (let row = 0; row < layer.y.length; row += 1) others[row]! += layer.y[row]! || 0;
  }
  return [...layers.filter((layer) => kept.has(layer)), { label: 'Others', y: others, colour: 'series-8' }];
}
