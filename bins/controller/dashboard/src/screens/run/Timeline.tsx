// Lists what happened in a run, in the order in which it did.
import type { TimelineEvent } from '../../api/types';
import { Button, Card, Cell, format, Head, Icon, Table, Words, type IconName } from '../../ui';
import { useState } from 'react';
import { figure, sentence } from './judge';
import styles from './Run.module.css';

const SIGNS: Record<string, { icon: IconName; look?: 'bad' | 'warning' | 'good' }> = {
  started: { icon: 'play' },
  ended: { icon: 'stop' },
  paused: { icon: 'pause' },
  resumed: { icon: 'play' },
  stopped: { icon: 'stop' },
  rate_changed: { icon: 'gauge' },
  sla_violated: { icon: 'bad', look: 'bad' },
  sla_recovered: { icon: 'good', look: 'good' },
  worker_lost: { icon: 'workers', look: 'bad' },
  worker_left: { icon: 'workers' },
  worker_draining: { icon: 'workers' },
  worker_refused: { icon: 'workers', look: 'warning' },
  workers_missing: { icon: 'workers', look: 'warning' },
  rebalanced: { icon: 'workers' },
  queued: { icon: 'clock' },
  failed: { icon: 'bad', look: 'bad' },
};
const SHOWN = 30;

/** Words that are no words. */
const nameOf = (kind: string): string => format.word(kind).replace(/^Sla /, 'SLA ');

/** Figures of the controller's sentences have all their digits; people read them with their unit. */
export function textOf({ kind, text, data }: TimelineEvent): string {
  const { rule, actual, unit } = (data ?? {}) as { rule?: unknown; actual?: unknown; unit?: unknown };
  if (kind !== 'sla_violated' || typeof rule !== 'string' || typeof actual !== 'number') return sentence(text);
  return `The rule ${rule} does not hold: ${figure(actual, typeof unit === 'string' ? unit : undefined)}`;
}

/** Tenths of a second are enough to know what came first. */
const atInWords = ({ at, atSeconds }: TimelineEvent): string => (typeof atSeconds === 'number' ? format.moment(Math.round(atSeconds * 10) / 10) : format.date(at));

export function Timeline({ events }: { events: readonly TimelineEvent[] }) {
  const [all, setAll] = useState(false);
  const hidden = all ? 0 : Math.max(0, events.length - SHOWN);
  return (
    <Card title="Timeline" says="What happened, and when." flush>
      {hidden > 0 && <p className={styles.more}><Button kind="quiet" small onClick={() => setAll(true)}>{`Show ${format.count(hidden)} earlier`}</Button></p>}
      <Table dense label="Timeline" head={<><Head>At</Head><Head>What</Head><Head>In words</Head></>}>
        {events.slice(hidden).map((event, place) => {
          const { icon, look } = SIGNS[event.kind] ?? { icon: 'info' as const };
          return (
            <tr key={hidden + place}>
              <Cell title={event.at}><span className={styles.at}>{atInWords(event)}</span></Cell>
              <Cell><span className={`${styles.kind} ${look ? styles[look] : ''}`}><Icon name={icon} size={14} />{nameOf(event.kind)}</span></Cell>
              <Cell><span className={styles.words} title={event.text}><Words>{textOf(event)}</Words></span></Cell>
            </tr>
          );
        })}
      </Table>
    </Card>
  );
}
