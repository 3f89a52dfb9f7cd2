// Lists what happened in a run, in the order in which it did.
import type { TimelineEvent } from '../../api/types';
import { Button, Card, Cell, format, Head, Icon, Table, Words, type IconName } from '../../ui';
import { useState } from 'react';
import { sentence } from './judge';
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
              <Cell title={event.at}><span className={styles.at}>{event.atSeconds === null || event.atSeconds === undefined ? format.date(event.at) : format.moment(event.atSeconds)}</span></Cell>
              <Cell><span className={`${styles.kind} ${look ? styles[look] : ''}`}><Icon name={icon} size={14} />{format.word(event.kind)}</span></Cell>
              <Cell><span className={styles.words}><Words>{sentence(event.text)}</Words></span></Cell>
            </tr>
          );
        })}
      </Table>
    </Card>
  );
}
