// Shows every plot with a made run, so that people who build screens see what there is.
import { useMemo, useState } from 'react';
import { madeFrames } from '../../tools/made-run.mjs';
import { Distribution } from '../live/distribution';
import { marksOfRun } from '../live/marks';
import { RunData } from '../live/run-data';
import { Card, Grid } from '../ui';
import { count, latency, percent, rate } from '../ui/format';
import { Bars, HeatMap, PercentilePlot, PlotGroup, ProfilePlot, ScatterPlot, StackedPlot, statusColour, TimePlot, type ProfilePoint } from '.';

const sum = (values: Iterable<number>): number => [...values].reduce((all, value) => all + value, 0);

export default function Gallery() {
  const data = useMemo(() => {
    const run = new RunData();
    for (const frame of madeFrames({ seconds: 600, workers: 3, requests: 3, rate: 900 })) run.addFrame(frame);
    return run;
  }, []);
  return <Grid><Live data={data} marks={marksOfRun(data)} /><Whole data={data} /><Profile /><Nothing /></Grid>;
}

/** As the live screen has them: one cursor, one zoom, the same marks. */
export function Live({ data, marks, domain }: { data: RunData; marks: ReturnType<typeof marksOfRun>; domain?: [number, number] }) {
  const over = { x: data.seconds, rowSeconds: data.rowSeconds };
  return (
    <PlotGroup marks={marks} domain={domain}>
      <Card title="Rate"><TimePlot label="Offered, sent and achieved rate over time." {...over} lines={[{ label: 'Achieved', y: data.achievedRps, look: 'area' }, { label: 'Sent', y: data.sentRps, thin: true }, { label: 'Planned', y: data.offeredRps, colour: 'planned', dash: true }]} /></Card>
      <Card title="Latency"><TimePlot label="Percentiles of latency over time." {...over} scale="log" format={latency} lines={[{ label: 'p50', y: data.quantile(0.5) }, { label: 'p90', y: data.quantile(0.9), colour: 'series-5' }, { label: 'p99', y: data.quantile(0.99), colour: 'series-2' }, { label: 'Max', y: data.max, colour: 'series-4', thin: true }]} /></Card>
      <Card title="Latency, all of it"><HeatMap label="How many requests took so long, over time." rows={data.rows} /></Card>
      <Card title="Errors"><StackedPlot label="Failed requests by error class over time." {...over} format={rate} whole={false} layers={[...data.errors].map(([label, y], place) => ({ label, y: data.perSecond(y), colour: place === 0 ? 'series-3' : undefined }))} height={240} empty="No errors" /></Card>
      <Card title="Status codes"><StackedPlot label="Replies by status over time." {...over} format={rate} whole={false} layers={[...data.statusCodes].map(([label, y]) => ({ label, y: data.perSecond(y), colour: statusColour(label) }))} /></Card>
      <Card title="Under way"><TimePlot label="Requests under way and waiting, over time." {...over} format={count} whole atLeast={4} lines={[{ label: 'In flight', y: data.inFlight, look: 'area' }, { label: 'Backlog', y: data.backlog }, { label: 'Dropped', y: data.perSecond(data.dropped), colour: 'series-3' }]} /></Card>
      <Card title="By request, p99"><TimePlot label="The 99th percentile of each request over time." x={[...data.requests.values()][0]?.seconds ?? []} rowSeconds={[...data.requests.values()][0]?.rows.rowSeconds ?? 1} scale="log" format={latency} lines={[...data.requests.values()].slice(0, 8).map((request) => ({ label: request.name, y: request.p99 }))} /></Card>
      <Card title="Workers"><TimePlot label="Workers over time." {...over} format={count} whole atLeast={2} lines={[{ label: 'Active workers', y: data.activeWorkers, look: 'area', colour: 'series-5' }]} /></Card>
    </PlotGroup>
  );
}

function Whole({ data }: { data: RunData }) {
  const codes = [...data.statusCodes].map(([label, y]) => ({ label, value: sum(y), colour: statusColour(label) }));
  return (
    <>
      <Card title="Percentiles"><PercentilePlot label="Latency by percentile." curves={[{ label: 'All', distribution: data.distribution() }, { label: 'While it was violated', distribution: data.distribution(360, 430), colour: 'series-3', dash: true }]} /></Card>
      <Card title="Throughput against latency"><ScatterPlot label="The 99th percentile of latency at each achieved rate." seconds={data.seconds} rps={data.achievedRps} ms={data.quantile(0.99)} name="p99" knee={905} /></Card>
      <Card title="Status codes"><Bars label="Replies by status." bars={codes} /></Card>
      <Card title="Share of time"><Bars label="A share." bars={[{ label: 'a name that is far longer than the room that there is for it', value: 3 }, { label: 'b', value: 0 }]} format={(value) => percent(value)} /></Card>
    </>
  );
}

function Profile() {
  const [points, setPoints] = useState<ProfilePoint[]>([{ second: 0, rps: 50, fixedTime: true, label: 'Start' }, { second: 60, rps: 400, label: 'Peak' }, { second: 120, rps: 400 }, { second: 180, rps: 50, fixedTime: true, label: 'End' }]);
  return <Card title="Profile"><ProfilePlot label="The planned rate over time." durationSeconds={180} points={points} onChange={setPoints} /></Card>;
}

function Nothing() {
  return (
    <>
      <Card title="Nothing yet"><TimePlot label="A run without figures." x={[]} rowSeconds={1} lines={[{ label: 'Achieved', y: [] }]} /></Card>
      <Card title="One row"><TimePlot label="A run of one second." x={[0]} rowSeconds={1} lines={[{ label: 'Achieved', y: [5] }]} /></Card>
      <Card title="No latencies"><PercentilePlot label="A run without latencies." curves={[{ label: 'All', distribution: new Distribution() }]} /></Card>
    </>
  );
}
