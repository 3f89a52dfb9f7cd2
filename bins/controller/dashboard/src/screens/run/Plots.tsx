// Shows a run over time: what was planned and came of it, how long it took, what failed, what waited.
import { useMemo, useState } from 'react';
import type { RunData } from '../../live/run-data';
import { HeatMap, StackedPlot, statusColour, TimePlot, type Colour, type Line } from '../../plots';
import { Card, format, Grid, Nothing, Segmented, Toggles, useKept } from '../../ui';
import type { Planned } from './planned';
import { parseChosen, parseScale, QUANTILES, type QuantileName, type Scale } from './quantiles';
import styles from './Run.module.css';
import type { RunPage } from './use-run';

/** Plots side by side are as high as each other, choices below them included. */
const HEIGHT = 200;
const CHOICES = 40;

export function Plots({ page }: { page: RunPage }) {
  const { data, version, planned, ended } = page;
  const over = { x: data.seconds, rowSeconds: data.rowSeconds };
  // A result alone has their sums, which stand below, and not their course.
  const hasStatuses = data.hasClasses || !ended;
  const isOpen = page.totals?.loop !== 'closed';
  const hasErrors = data.failed.some((many) => many > 0);
  const hasReplies = data.total.some((many) => many > 0);
  return (
    <Grid least={480} most={3}>
      <Card title="Rate" says={isOpen ? 'What was planned, what was sent, what had an outcome.' : 'What was sent, what had an outcome.'}><Rate data={data} version={version} planned={planned} /></Card>
      <Latency data={data} version={version} closed={page.totals?.loop === 'closed'} />
      <Card title="Under way" says={isOpen ? 'Sent and not answered; due and not sent; given up.' : 'Sent and not answered.'}>
        <TimePlot label={isOpen ? 'Requests in flight, waiting and dropped over time.' : 'Requests in flight over time.'} {...over} format={format.short} whole atLeast={4} lines={underWay(data, isOpen)} />
      </Card>
      <Card title="All latencies" says="How many requests took how long: the stronger the colour, the more."><HeatMap label="How many requests took so long, over time." rows={data.rows} /></Card>
      {hasErrors ? (
        <Card title="Errors" className={hasStatuses ? undefined : styles.wide} says={data.hasClasses || !ended ? 'Failed requests per second, by what failed.' : 'Failed requests per second. Their sums by class stand below.'}><Errors page={page} /></Card>
      ) : (
        <Card className={styles.wide}><Nothing icon={hasReplies ? 'good' : 'info'} title={ended ? 'No errors.' : 'No errors so far.'}>{hasReplies ? 'Every request with an outcome was ok.' : 'No request has had an outcome.'}</Nothing></Card>
      )}
      {hasStatuses && <Card title="Status codes" className={hasErrors ? undefined : styles.wide} says="Replies per second, by status."><Statuses data={data} version={version} /></Card>}
    </Grid>
  );
}

function Rate({ data, version, planned }: { data: RunData; version: number; planned: Planned }) {
  const line = useMemo(
    () => (planned.isEmpty ? data.offeredRps : planned.over(data.seconds, data.rowSeconds)),
    [data, version, planned],
  );
  const lines: Line[] = [
    { label: 'Achieved', y: data.achievedRps, look: 'area', colour: 'series-1' },
    { label: 'Sent', y: data.sentRps, thin: true, colour: 'series-2' },
  ];
  if (line.some(Number.isFinite)) lines.push({ label: 'Planned', y: line, colour: 'planned', dash: true });
  return <TimePlot label="Planned, sent and achieved rate over time." x={data.seconds} rowSeconds={data.rowSeconds} lines={lines} height={HEIGHT + CHOICES} />;
}

/** The same look of one quantile wherever it is seen. */
const LOOKS: Record<QuantileName, { q: number; colour: Colour; thin?: boolean }> = {
  p50: { q: 0.5, colour: 'series-1' },
  p75: { q: 0.75, colour: 'series-5' },
  p90: { q: 0.9, colour: 'series-7' },
  p95: { q: 0.95, colour: 'series-6' },
  p99: { q: 0.99, colour: 'series-2' },
  'p99.9': { q: 0.999, colour: 'series-8' },
  max: { q: 1, colour: 'series-4', thin: true },
};

const SCALES = [['auto', 'Auto'], ['linear', 'Linear'], ['log', 'Log']] as const;

function Latency({ data, version, closed }: { data: RunData; version: number; closed: boolean }) {
  const [chosen, choose] = useKept<QuantileName[]>('quantiles', ['p50', 'p95', 'p99'], parseChosen);
  const [scale, setScale] = useKept<Scale>('latencyScale', 'auto', parseScale);
  const lines = useMemo(
    () => chosen.map((name): Line => ({ label: name === 'max' ? 'Max' : name, y: name === 'max' ? data.max : data.quantile(LOOKS[name].q), colour: LOOKS[name].colour, thin: LOOKS[name].thin })),
    [data, version, chosen],
  );
  return (
    <Card title="Latency" says={closed ? 'Service time: from the start of each attempt to its end.' : 'Response time: from the moment a request was due to its end.'}>
      <TimePlot label="Percentiles of latency over time." x={data.seconds} rowSeconds={data.rowSeconds} format={format.latency} scale={scale} lines={lines} height={HEIGHT} />
      <div className={styles.choose}>
        <Toggles label="Percentiles" chosen={chosen} options={QUANTILES.map((name) => [name, name === 'max' ? 'Max' : name] as const)} onChange={choose} />
        <Segmented label="Axis" value={scale} options={SCALES} onChange={setScale} />
      </div>
    </Card>
  );
}

function Errors({ page: { data, version, totals } }: { page: RunPage }) {
  const layers = useMemo(() => [...data.errors].map(([label, y]) => ({ label, y: data.eachSecond(y) })), [data, version]);
  const over = { x: data.seconds, rowSeconds: data.rowSeconds };
  const label = 'Failed requests by error class over time.';
  // A result alone has no classes second by second: how many failed is all that is known then.
  if (!data.hasClasses && totals && totals.outcomes.failed > 0) return <StackedPlot label={label} {...over} layers={[{ label: 'Failed', y: data.eachSecond(data.failed), colour: 'series-3' }]} format={format.rate} />;
  const first = layers.map((layer, place) => ({ ...layer, colour: ERROR_COLOURS[place] }));
  return <StackedPlot label={label} {...over} layers={first} format={format.rate} empty="No errors" />;
}

/** Failures begin with the colour of failures. */
const ERROR_COLOURS: Colour[] = ['series-3', 'series-2', 'series-4', 'series-6', 'series-7', 'series-5', 'series-1', 'series-8'];

function Statuses({ data, version }: { data: RunData; version: number }) {
  const layers = useMemo(() => [...data.statusCodes].sort(([a], [b]) => a.localeCompare(b)).map(([label, y]) => ({ label, y: data.eachSecond(y), colour: statusColour(label) })), [data, version]);
  return <StackedPlot label="Replies by status over time." x={data.seconds} rowSeconds={data.rowSeconds} format={format.rate} layers={layers} empty="No replies" />;
}

function underWay(data: RunData, isOpen: boolean): Line[] {
  const lines: Line[] = [{ label: 'In flight', y: data.inFlight, look: 'area', colour: 'series-1' }];
  if (!isOpen) return lines;
  return [...lines, { label: 'Backlog', y: data.backlog, colour: 'series-2' }, { label: 'Dropped per second', y: data.eachSecond(data.dropped), colour: 'series-3' }];
}

export type Span = 'all' | '5min' | '1min';

/** Which part of the run is looked at. */
export function useSpan(data: RunData): { span: Span; setSpan: (span: Span) => void; domain: [number, number] | null } {
  const [span, setSpan] = useState<Span>('all');
  const end = data.length > 0 ? data.rows.lastSecond + data.rowSeconds : 0;
  const length = span === '5min' ? 300 : span === '1min' ? 60 : null;
  const from = length === null ? 0 : end - length;
  const domain = useMemo((): [number, number] | null => (length === null || from <= 0 ? null : [from, end]), [length, from, end]);
  return { span, setSpan, domain };
}
