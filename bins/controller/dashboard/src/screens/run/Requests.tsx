// Lists the named requests of a run's mix; the one that is chosen shows its own course.
import { memo, useMemo, useState } from 'react';
import type { Totals } from '../../api/types';
import type { RequestData, RunData } from '../../live/run-data';
import { HeatMap, TimePlot } from '../../plots';
import { Button, Card, Cell, format, Grid, Head, Sparkline, Table, chosenRowStyle, rowStyle, type Sort } from '../../ui';
import { thinned } from './courses';
import styles from './Run.module.css';

type Request = Totals['requests'][number];

const COLUMNS: Record<string, (request: Request) => number | string | null> = {
  name: ({ name }) => name,
  rate: ({ achievedRps }) => achievedRps,
  p50: ({ latency }) => latency.p50Ms,
  p99: ({ latency }) => latency.p99Ms,
  max: ({ latency }) => latency.maxMs,
  errors: ({ successRate }) => (successRate === null ? null : 100 - successRate),
  total: ({ totalRequests }) => totalRequests,
};

export function sorted(requests: readonly Request[], { by, down }: Sort): Request[] {
  const value = COLUMNS[by];
  if (!value) return [...requests];
  // What has no figure comes last, whichever way it is sorted.
  return [...requests].sort((a, b) => {
    const [one, other] = [value(a), value(b)];
    if (one === null || other === null) return one === other ? 0 : one === null ? 1 : -1;
    const order = typeof one === 'string' ? one.localeCompare(String(other)) : one - Number(other);
    return down ? -order : order;
  });
}

export function Requests({ totals, data }: { totals: Totals; data: RunData }) {
  const [sort, setSort] = useState<Sort>({ by: '', down: true });
  const [chosen, setChosen] = useState<string | null>(null);
  const rows = useMemo(() => sorted(totals.requests, sort), [totals.requests, sort]);
  const weights = totals.requests.reduce((sum, { weight }) => sum + weight, 0);
  const of = chosen === null ? undefined : data.requests.get(chosen);
  const head = { sort, onSort: setSort };
  return (
    <Card title="Requests" says="Each request of the mix, over the whole run. Choose one to see its own course." flush>
      <div className={styles.tall}>
        <Table dense label="Requests" head={(
          <>
            <Head name="name" {...head}>Name</Head><Head right title="Its part of the mix, by weight">Share</Head><Head name="rate" right {...head}>Rate</Head>
            <Head name="p50" right {...head}>p50</Head><Head name="p99" right {...head}>p99</Head><Head name="max" right {...head}>Longest</Head>
            <Head name="errors" right {...head}>Errors</Head><Head name="total" right {...head}>Requests</Head><Head>Rate</Head><Head>p99</Head>
          </>
        )}>
          {rows.map((request) => <Row key={request.name} request={request} share={request.weight / weights} course={data.requests.get(request.name)} isChosen={request.name === chosen} onChoose={setChosen} />)}
        </Table>
      </div>
      {of && <Course of={of} onClose={() => setChosen(null)} />}
    </Card>
  );
}

interface RowProps {
  request: Request;
  share: number;
  course: RequestData | undefined;
  isChosen: boolean;
  onChoose: (name: string | null) => void;
}

/** A hundred of them are drawn anew with the totals, every few seconds, and not with each second. */
const Row = memo(function Row({ request, share, course, isChosen, onChoose }: RowProps) {
  const { name, achievedRps, latency, successRate, totalRequests, outcomes } = request;
  return (
    <tr className={`${rowStyle} ${isChosen ? chosenRowStyle : ''}`}>
      <Cell title={name}><button type="button" className={styles.nameButton} aria-pressed={isChosen} onClick={() => onChoose(isChosen ? null : name)}>{name}</button></Cell>
      <Cell right>{format.percent(share * 100, 2)}</Cell>
      <Cell right>{format.rate(achievedRps)}</Cell>
      <Cell right>{format.latency(latency.p50Ms)}</Cell>
      <Cell right>{format.latency(latency.p99Ms)}</Cell>
      <Cell right>{format.latency(latency.maxMs)}</Cell>
      <Cell right><span className={outcomes.failed > 0 ? styles.bad : undefined}>{format.errorRate(successRate)}</span></Cell>
      <Cell right>{format.count(totalRequests)}</Cell>
      <Cell>{course && <Sparkline label="Rate over time" values={thinned(course.rps)} />}</Cell>
      <Cell>{course && <Sparkline label="p99 over time" values={thinned(course.p99)} tone={2} />}</Cell>
    </tr>
  );
}, (before, after) => before.request === after.request && before.isChosen === after.isChosen && before.share === after.share);

function Course({ of, onClose }: { of: RequestData; onClose: () => void }) {
  const over = { x: of.seconds, rowSeconds: of.rows.rowSeconds };
  const failedRps = of.failed.map((failed) => failed / of.rows.rowSeconds);
  return (
    <div className={styles.course}>
      <div className={styles.courseHead}><h3 className="cut" title={of.name}>{of.name}</h3><Button kind="quiet" small icon="bad" aria-label="Close" onClick={onClose} /></div>
      <Grid least={360}>
        <TimePlot label={`Rate of ${of.name} over time.`} {...over} lines={[{ label: 'Rate', y: of.rps, look: 'area', colour: 'series-1' }, { label: 'Failed', y: failedRps, colour: 'series-3' }]} />
        <TimePlot label={`Latency of ${of.name} over time.`} {...over} format={format.latency} scale="auto" lines={[{ label: 'p50', y: of.p50, colour: 'series-1' }, { label: 'p95', y: of.p95, colour: 'series-6' }, { label: 'p99', y: of.p99, colour: 'series-2' }]} />
        <HeatMap label={`How many requests of ${of.name} took so long, over time.`} rows={of.rows} height={210} />
      </Grid>
    </div>
  );
}
