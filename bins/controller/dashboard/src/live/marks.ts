// Turns what happened in a run into marks that all plots show: lines for moments, bands for times.
import type { RunData, RunEvent } from './run-data';

export type MarkLook = 'change' | 'loss' | 'violation' | 'finding' | 'pause' | 'note';

export interface Mark {
  from: number;
  /** Of a band; a moment has none. */
  to?: number;
  look: MarkLook;
  /** A few words, that fit into a plot. */
  label: string;
  /** A sentence. */
  text: string;
}

/** Events that begin something that another one ends. */
const LASTING: Record<string, { until: string; look: MarkLook; label: string }> = {
  paused: { until: 'resumed', look: 'pause', label: 'Paused' },
  sla_violated: { until: 'sla_recovered', look: 'violation', label: 'SLA violated' },
};

const MOMENTS: Record<string, { look: MarkLook; label: string }> = {
  rate_changed: { look: 'change', label: 'Rate changed' },
  worker_lost: { look: 'loss', label: 'Worker lost' },
  worker_left: { look: 'note', label: 'Worker left' },
  worker_draining: { look: 'note', label: 'Worker drains' },
  worker_joined: { look: 'note', label: 'Worker joined' },
  controller_changed: { look: 'note', label: 'Controller changed' },
  stopped: { look: 'note', label: 'Stopped' },
};

/** What an event and the one that ends it have in common: several rules may be violated at once. */
const about = (event: RunEvent): string => String(event.data?.place ?? event.data?.rule ?? '');

const begin = (event: RunEvent): number | null => {
  const effect = event.data?.effectiveAtSeconds ?? event.data?.atSecond;
  return typeof effect === 'number' && Number.isFinite(effect) ? effect : event.atSeconds;
};

export function marksOf(events: readonly RunEvent[], until = Infinity): Mark[] {
  const marks: Mark[] = [];
  const open = new Map<string, Mark>();
  for (const event of events) {
    const at = begin(event);
    if (at === null) continue;
    const ended = Object.entries(LASTING).find(([, it]) => it.until === event.kind)?.[0];
    const key = (kind: string): string => `${kind} ${about(event)}`;
    if (ended) {
      const mark = open.get(key(ended));
      if (mark) mark.to = Math.max(mark.from, at);
      open.delete(key(ended));
      continue;
    }
    const lasting = LASTING[event.kind];
    const moment = MOMENTS[event.kind];
    if (lasting) {
      if (open.has(key(event.kind))) continue;
      const mark = { from: at, to: until, look: lasting.look, label: lasting.label, text: event.text };
      open.set(key(event.kind), mark);
      marks.push(mark);
    } else if (moment) marks.push({ from: at, ...moment, text: event.text });
  }
  return marks;
}

/** Of a run as far as it is. */
export const marksOfRun = (data: RunData): Mark[] => marksOf(data.events, data.end ? data.rows.lastSecond + data.rowSeconds : Infinity);
