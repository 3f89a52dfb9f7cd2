// Shows how all latencies of a run lie, and why response time and service time differ.
import { useEffect, useState } from 'react';
import { histogramsOf, type Times } from '../../api/result';
import type { Result, Totals } from '../../api/types';
import { exactOf, type Exact } from '../../live/hdr';
import type { RunData } from '../../live/run-data';
import { PercentilePlot, type Curve } from '../../plots';
import { Card, Cell, format, Head, Table } from '../../ui';
import { differenceInWords } from './times';

interface Props {
  totals: Totals;
  result: Result | null;
  data: RunData;
}

export function Distribution({ totals, result, data }: Props) {
  const exact = useExact(result);
  const isOpen = totals.loop === 'open';
  const curves: Curve[] = exact ? exactCurves(exact, isOpen) : [{ label: isOpen ? 'Response time' : 'Service time', distribution: data.distribution() }];
  return (
    <Card title="Distribution of latency" says={isOpen ? differenceInWords(totals) : 'In closed loop no start is intended: latency is service time.'}>
      <PercentilePlot label="Latency by percentile, each further nine as wide as the one before." curves={curves} empty="Nothing was answered" />
    </Card>
  );
}

interface Exacts {
  response: Exact | null;
  service: Exact | null;
  ok: Exact | null;
}

/** The histograms of a result, unpacked; null until they are, and where there are none. */
function useExact(result: Result | null): Exacts | null {
  const [exact, setExact] = useState<Exacts | null>(null);
  useEffect(() => {
    let isLeft = false;
    setExact(null);
    if (!result) return undefined;
    const { latency, serviceTime, okLatency } = histogramsOf(result);
    void Promise.all([exactOf(latency), exactOf(serviceTime), exactOf(okLatency)]).then(([response, service, ok]) => {
      if (!isLeft && response) setExact({ response, service, ok });
    });
    return () => {
      isLeft = true;
    };
  }, [result]);
  return exact;
}

function exactCurves({ response, service, ok }: Exacts, isOpen: boolean): Curve[] {
  const curves: Curve[] = [];
  if (response) curves.push({ label: isOpen ? 'Response time' : 'Service time', distribution: response, colour: 'series-1' });
  if (isOpen && service) curves.push({ label: 'Service time', distribution: service, colour: 'series-2' });
  if (ok && response && ok.total > 0 && ok.total < response.total) curves.push({ label: 'Of the ok alone', distribution: ok, colour: 'series-5', dash: true });
  return curves;
}

const COLUMNS: [key: keyof Times, name: string][] = [
  ['minMs', 'Least'], ['meanMs', 'Mean'], ['p50Ms', 'p50'], ['p75Ms', 'p75'], ['p90Ms', 'p90'], ['p95Ms', 'p95'], ['p99Ms', 'p99'], ['p999Ms', 'p99.9'], ['p9999Ms', 'p99.99'], ['maxMs', 'Longest'],
];

export function TimesTable({ totals }: { totals: Totals }) {
  const isOpen = totals.loop === 'open';
  const rows: [name: string, title: string, times: Times][] = [
    [isOpen ? 'Response time' : 'Latency', isOpen ? 'From the moment a request was due to its end' : 'From the start of each attempt to its end', totals.latency],
    ['Of the ok alone', 'The same of requests that were ok', totals.okLatency],
    ['Service time', 'From the start of the attempt to its end', totals.serviceTime],
    ['Schedule lag', 'From the moment it was due to the start of its attempt', totals.scheduleLag],
    ['First byte', 'From the start of the attempt to the first byte of the reply', totals.firstByte],
    ['Connect', 'Of each connection that was opened', totals.connect],
    ['TLS', 'Of each handshake', totals.tls],
  ];
  return (
    <Card title="Times" says="Each time that was measured, by percentile." flush>
      <Table dense label="Times" head={<><Head>Time</Head>{COLUMNS.map(([key, name]) => <Head key={key} right>{name}</Head>)}</>}>
        {rows.filter(([, , times]) => times && times.maxMs !== null).map(([name, title, times]) => (
          <tr key={name}>
            <Cell title={title}>{name}</Cell>
            {COLUMNS.map(([key]) => <Cell key={key} right>{format.latency(times[key])}</Cell>)}
          </tr>
        ))}
      </Table>
    </Card>
  );
}
