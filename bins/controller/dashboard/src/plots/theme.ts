// Reads the colours and the type of plots from the tokens, so that a canvas looks like the page around it.
import { onTheme } from '../ui/theme';

/** Tokens that plots paint with. */
export type Colour =
  | `series-${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}`
  | 'planned' | 'grid' | 'axis' | 'text' | 'text-soft' | 'text-faint' | 'card' | 'good' | 'bad' | 'warning' | 'neutral' | 'heat-0' | 'heat-1';

/** Lines and areas that are told apart, in this order. */
export const seriesColour = (place: number): Colour => `series-${((place % 8) + 1) as 1}`;

let known = new Map<string, string>();
let font = '';
const listeners = new Set<() => void>();

/** A token may be a pair of light and dark: only the browser knows which one holds now. */
function resolve(property: 'color' | 'font', value: string): string {
  const probe = document.createElement('span');
  probe.style.setProperty(property, value);
  probe.hidden = true;
  document.body.append(probe);
  const style = getComputedStyle(probe);
  const found = property === 'color' ? style.color : `${style.fontSize} ${style.fontFamily}`;
  probe.remove();
  return found;
}

export function colourOf(name: Colour): string {
  let found = known.get(name);
  if (found === undefined) known.set(name, (found = resolve('color', `var(--${name})`)));
  return found;
}

/** Of the words in plots. */
export function plotFont(): string {
  font ||= resolve('font', 'var(--weight) var(--size-1) var(--font)');
  return font;
}

/** The red, green and blue of a colour, 0 to 255. */
export function rgbOf(name: Colour): [number, number, number] {
  const parts = colourOf(name).match(/[\d.]+/g)?.map(Number) ?? [];
  return [parts[0] ?? 128, parts[1] ?? 128, parts[2] ?? 128];
}

let isListening = false;

/** Calls once colours have changed. */
export function onColours(listener: () => void): () => void {
  if (!isListening) {
    isListening = true;
    onTheme(() => {
      known = new Map();
      font = '';
      for (const each of listeners) each();
    });
  }
  listeners.add(listener);
  return () => listeners.delete(listener);
}
