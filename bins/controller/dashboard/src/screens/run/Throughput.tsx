// Shows what more throughput costs in latency, and from where on it costs too much.
import type { Totals } from '../../api/types';
import type { RunData } from '../../live/run-data';
import { ScatterPlot } from '../../plots';
import { Card, format } from '../../ui';
import { kneeOf } from './times';

export function Throughput({ totals, data }: { totals: Totals; data: RunData }) {
  const knee = kneeOf(totals);
  const says = knee ? `Each point is a second. The line stands at ${format.rate(knee.rps)}: ${knee.says}.` : 'Each point is a second. No rate is known from which on it gets worse.';
  return (
    <Card title="Throughput against latency" says={says}>
      <ScatterPlot label="The 99th percentile of latency at each achieved rate." seconds={data.seconds} rps={data.achievedRps} ms={data.quantile(0.99)} name="p99" knee={knee?.rps ?? null} empty="Nothing was answered" />
    </Card>
  );
}
