// Lists the workers of a run: how much of the load each makes, and how it fares.
import { useMemo } from 'react';
import { environmentOf, generatorOf, validityOf } from '../../api/result';
import type { Totals } from '../../api/types';
import type { RunData, WorkerData } from '../../live/run-data';
import { Card, Cell, Chip, Empty, format, Head, Sparkline, Table, VerdictChip } from '../../ui';
import { thinned } from './courses';
import styles from './Run.module.css';

interface Props {
  totals: Totals;
  data: RunData;
  live: boolean;
}

interface Row {
  id: string;
  name: string;
  isLost: boolean;
  /** What it did in the whole run, where that is known. */
  whole: Totals['workers'][number] | undefined;
  data: WorkerData | undefined;
}

/** `eu-3 (019b7704-...)`: the name is for people. */
export const nameOf = (worker: string): string => worker.replace(/ \([^()]*\)$/, '');

function rowsOf(totals: Totals, data: RunData): Row[] {
  const lost = new Set(generatorOf(totals).lostWorkers ?? []);
  const whole = new Map(totals.workers.map((worker) => [worker.worker, worker]));
  const ids = [...new Set([...whole.keys(), ...data.workers.keys(), ...lost])];
  return ids.map((id) => ({ id, name: nameOf(id), isLost: lost.has(id), whole: whole.get(id), data: data.workers.get(id) })).sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

export function Workers({ totals, data, live }: Props) {
  // With the totals, every few seconds: a hundred rows are not drawn anew with each second.
  const rows = useMemo(() => rowsOf(totals, data), [totals, data]);
  const total = rows.reduce((sum, { whole }) => sum + (whole?.due ?? 0), 0);
  const many = environmentOf(totals).workers ?? rows.length;
  if (rows.length === 0) return <Card title="Workers"><Empty icon="workers" title="No figures of workers yet">Each worker tells every second what it did and how it fared.</Empty></Card>;
  const says = many > rows.length ? `The ${rows.length} of ${many} workers that fared worst.` : 'How much of the load each makes, and how it fares.';
  return (
    <Card title="Workers" says={says} flush>
      <div className={styles.tall}>
        <Table dense label="Workers" head={(
          <>
            <Head>Worker</Head><Head>State</Head><Head right title="Its part of the arrivals">Share</Head><Head right>Rate</Head><Head right>p99</Head>
            <Head right title="Of its engine threads, a share of what they could have">CPU</Head><Head right title="Actual start minus intended start, 99th percentile">Schedule lag</Head>
            <Head right title="How much later than due its pacer woke, 99th percentile">Pacer lag</Head><Head right title="Share of the time in which something was due and was not begun">Late</Head>
            <Head right>In flight</Head><Head right>Backlog</Head><Head>Rate</Head><Head>CPU</Head>
          </>
        )}>
          {rows.map((row) => <One key={row.id} row={row} total={total} live={live} />)}
        </Table>
      </div>
    </Card>
  );
}

function One({ row: { id, name, isLost, whole, data }, total, live }: { row: Row; total: number; live: boolean }) {
  // While it goes on its newest second; then all of it.
  const now = (live ? data?.figures : null) ?? whole ?? data?.figures ?? null;
  const course = data?.course;
  return (
    <tr>
      <Cell title={id}><span className={styles.workerName}>{name}</span></Cell>
      <Cell>{isLost ? <Chip tone="bad" icon="bad" title="It fell silent; its part was given to others">Lost</Chip> : <VerdictChip verdict={whole && validityOf(whole)?.verdict} />}</Cell>
      <Cell right>{whole && total > 0 ? format.percent((100 * whole.due) / total, 2) : format.NOTHING}</Cell>
      <Cell right>{format.rate(now?.achievedRps)}</Cell>
      <Cell right>{format.latency(now?.p99Ms)}</Cell>
      <Cell right>{share(now?.cpuShare)}</Cell>
      <Cell right>{format.latency(now?.scheduleLagP99Ms)}</Cell>
      <Cell right>{format.latency(now?.pacerLagP99Ms)}</Cell>
      <Cell right>{share(now?.lateShare)}</Cell>
      <Cell right>{format.short(now?.inFlight)}</Cell>
      <Cell right>{format.short(now?.backlog)}</Cell>
      <Cell>{course && <Sparkline label="Rate over time" values={thinned(course.rps)} />}</Cell>
      <Cell>{course && <Sparkline label="Processor over time" values={thinned(course.cpu)} tone={2} />}</Cell>
    </tr>
  );
}

const share = (of: number | null | undefined): string => (of === null || of === undefined ? format.NOTHING : format.percent(of * 100, 2));
