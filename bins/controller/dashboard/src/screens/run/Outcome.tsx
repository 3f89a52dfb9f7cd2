// Says what became of every request: by status, by error class with an example, by reason of the drop; and over which connections.
import { environmentOf } from '../../api/result';
import type { Totals } from '../../api/types';
import { Bars, statusColour } from '../../plots';
import { Card, Cell, format, Grid, Head, Nothing, Table } from '../../ui';
import styles from './Run.module.css';

const SHOWN = 40;

export function Outcome({ totals, live }: { totals: Totals; live: boolean }) {
  return (
    <Grid least={420}>
      <Card title="Errors by class" says="Failed requests, each class with one of its texts." flush={totals.outcomes.failed > 0}><Errors totals={totals} /></Card>
      <Card title="Status codes" says="Replies by status."><Statuses totals={totals} /></Card>
      <Card title="Where every request went" says="What was due was sent, dropped, or is unknown; what was sent was ok, failed, or has no outcome."><Accounts totals={totals} live={live} /></Card>
      <Card title="Connections and environment"><Environment totals={totals} /></Card>
    </Grid>
  );
}

function Errors({ totals: { errors, errorExamples, totalRequests } }: { totals: Totals }) {
  const classes = Object.entries(errors).filter(([, many]) => many > 0).sort(([, a], [, b]) => b - a);
  if (classes.length === 0) return <Nothing icon={totalRequests > 0 ? 'good' : 'info'} title="No errors.">{totalRequests > 0 ? 'Every request with an outcome was ok.' : 'No request had an outcome.'}</Nothing>;
  return (
    <Table dense label="Errors by class" head={<><Head>Class</Head><Head right>Requests</Head><Head right>Share</Head><Head>For example</Head></>}>
      {classes.slice(0, SHOWN).map(([name, many]) => (
        <tr key={name}>
          <Cell mono title={name}><span className={styles.rule}>{name}</span></Cell>
          <Cell right>{format.count(many)}</Cell>
          <Cell right>{totalRequests > 0 ? format.percent((100 * many) / totalRequests) : format.NOTHING}</Cell>
          <Cell title={errorExamples[name]}><span className={styles.example}>{errorExamples[name] ?? format.NOTHING}</span></Cell>
        </tr>
      ))}
      {classes.length > SHOWN && <tr><Cell wide={4}><span className="soft">and {format.count(classes.length - SHOWN)} more classes</span></Cell></tr>}
    </Table>
  );
}

function Statuses({ totals: { statusCodeDistribution } }: { totals: Totals }) {
  const codes = Object.entries(statusCodeDistribution).sort(([, a], [, b]) => b - a);
  if (codes.length === 0) return <Nothing icon="info" title="No replies.">Nothing was answered with a status.</Nothing>;
  const kept = codes.slice(0, SHOWN);
  const rest = codes.slice(SHOWN).reduce((sum, [, many]) => sum + many, 0);
  const bars = kept.map(([label, value]) => ({ label, value, colour: statusColour(label) }));
  return <Bars label="Replies by status." bars={rest > 0 ? [...bars, { label: 'Others', value: rest }] : bars} />;
}

function Accounts({ totals: { arrivals, outcomes, loop }, live }: { totals: Totals; live: boolean }) {
  const facts: [name: string, value: number, title?: string][] = [
    ['Due', arrivals.due, 'Their intended start came'],
    ['Sent', arrivals.sent, 'Their attempt began'],
    ['Ok', outcomes.ok, 'Answered with 2xx or 3xx, every check passed'],
    ['Failed', outcomes.failed, 'Sent, and anything else'],
    live ? ['In flight', outcomes.unfinished, 'Sent, and not answered yet'] : ['Unfinished', outcomes.unfinished, 'Sent, without an outcome when the run ended'],
    ['Sent in the drain', outcomes.late, 'They still waited when nothing more fell due'],
    ...(loop === 'open' ? ([['Dropped', arrivals.dropped, 'Given up before they were sent'], ...Object.entries(arrivals.droppedByReason).map(([reason, many]): [string, number] => [`Dropped: ${reason.replaceAll('_', ' ')}`, many])] as [string, number, string?][]) : []),
    ['Unknown', arrivals.unknown, 'Due on a worker that was lost before it could report'],
  ];
  return <Facts facts={facts.map(([name, value, title]) => [name, format.count(value), title])} />;
}

function Environment({ totals }: { totals: Totals }) {
  const { version, os, cores, threads, workers, options } = environmentOf(totals);
  const { protocol, connects, bytesSent, bytesReceived, totalRequests, warmupSeconds, drainSeconds } = totals;
  const http = protocol.http === null ? format.NOTHING : `HTTP/${protocol.http}`;
  const facts: [name: string, value: string, title?: string][] = [
    ['Protocol', `${http}${protocol.tls ? `, TLS ${protocol.tls}` : ', no TLS'}`],
    ['Streams', format.count(protocol.streams), 'The most requests that one connection was allowed to carry at once'],
    ['Connections opened', format.count(connects)],
    ['Requests per connection', connects > 0 ? format.digits(totalRequests / connects) : format.NOTHING],
    ['Sent', format.bytes(bytesSent), 'Heads included'],
    ['Received', format.bytes(bytesReceived), 'Heads included'],
    ['Warm-up', format.duration(warmupSeconds), 'Load before the measured time; in no figure'],
    ['Drain', format.duration(drainSeconds), 'How long it went on after the measured time'],
    ['Workers', format.count(workers)],
    ['Processors', format.count(cores), 'All workers together'],
    ['Engine threads', format.count(threads), 'All workers together'],
    ['System', os ?? format.NOTHING],
    ['Version', version ?? format.NOTHING],
    ...Object.entries(options ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
  ];
  return <Facts facts={facts} />;
}

function Facts({ facts }: { facts: [name: string, value: string, title?: string][] }) {
  return <dl className={styles.evidence}>{facts.map(([name, value, title]) => <div key={name} title={title}><dt>{name}</dt><dd title={value}>{value}</dd></div>)}</dl>;
}
