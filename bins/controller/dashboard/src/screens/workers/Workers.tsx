// Shows the workers: what each does now, what it has, and whether it is fit to be used.
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { drainWorker } from '../../api/commands';
import { me, workers as workersQuery } from '../../api/queries';
import type { Worker } from '../../api/types';
import { workerInWords } from '../../api/words';
import { Card, Cell, ConfirmButton, Empty, Failed, format, Head, Loading, Page, rowStyle, Says, Stat, Stats, Table, tell } from '../../ui';
import styles from './Workers.module.css';

export default function Workers() {
  const query = useQuery(workersQuery);
  const { data: who } = useQuery(me);
  const workers = query.data?.items;
  return (
    <Page title="Workers" says="A worker is a process that makes load. A run is shared between as many as its scenario asks for, and each takes part in one run at a time.">
      {query.isPending ? (
        <Card><Loading rows={4} /></Card>
      ) : !workers ? (
        <Card><Failed error={query.error} what="The list of workers" onRetry={() => void query.refetch()} /></Card>
      ) : workers.length === 0 ? (
        <Card><NoWorkers /></Card>
      ) : (
        <>
          <Counts workers={workers} />
          <Card flush><Rows workers={workers} mayDrain={who?.admin ?? false} onDrained={() => void query.refetch()} /></Card>
        </>
      )}
    </Page>
  );
}

function NoWorkers() {
  return (
    <Empty icon="workers" title="No worker yet">
      <p>On one machine there is nothing to do: the controller starts as many inside itself as a scenario asks for, as soon as one is started.</p>
      <p>Where the platform works over Redis, start them on machines of their own:</p>
      <p><code>loadcore-worker --redis redis://HOST:6379</code></p>
    </Empty>
  );
}

const of = (workers: Worker[], tone: string[]) => workers.filter((worker) => tone.includes(workerInWords(worker).tone)).length;

function Counts({ workers }: { workers: Worker[] }) {
  const [alive, lost] = [workers.filter((worker) => worker.alive), workers.filter((worker) => !worker.alive)];
  const wanting = of(alive, ['warning', 'bad']);
  return (
    <Stats>
      <Stat name="Workers" value={format.count(alive.length)} beside={lost.length > 0 ? `and ${format.count(lost.length)} lost` : 'all are heard of'} tone={lost.length > 0 ? 'bad' : undefined} />
      <Stat name="Make load" value={format.count(of(alive, ['info']))} />
      <Stat name="Free" value={format.count(of(alive, ['good']))} />
      <Stat name="To look at" value={format.count(wanting)} tone={wanting > 0 ? 'warning' : undefined} />
      <Stat name="Cores" value={format.count(alive.reduce((sum, { cores }) => sum + cores, 0))} beside="of those that are heard of" />
    </Stats>
  );
}

function Rows({ workers, mayDrain, onDrained }: { workers: Worker[]; mayDrain: boolean; onDrained: () => void }) {
  const head = (
    <>
      <Head>Worker</Head>
      <Head>State</Head>
      <Head right room="some">Cores</Head>
      <Head right room="much" title="Engine threads that it uses">Threads</Head>
      <Head right room="much" title="The greatest rate that it takes on">Rate limit</Head>
      <Head right room="some" title="How uncertain its clock is against the others'">Clock error</Head>
      <Head room="some">Version</Head>
      <Head room="some">Last heard of</Head>
      {mayDrain && <Head right><span className="sr-only">Actions</span></Head>}
    </>
  );
  return <Table label="Workers" head={head}>{workers.map((worker) => <Row key={worker.id} worker={worker} mayDrain={mayDrain} onDrained={onDrained} />)}</Table>;
}

function Row({ worker, mayDrain, onDrained }: { worker: Worker; mayDrain: boolean; onDrained: () => void }) {
  const { id, name, version, alive, draining, lastSeenAt, cores, threads, maxRps, clockErrorMs, task, runId } = worker;
  const { tone, says } = workerInWords(worker);
  const drain = async () => {
    await drainWorker(id);
    tell(`${name} drains`);
    onDrained();
  };
  return (
    <tr className={rowStyle}>
      <Cell><div className={`cut ${styles.name}`} title={name}>{name}</div></Cell>
      <Cell>
        <Says tone={tone} icon={tone === 'good' ? 'clock' : undefined}>{says}</Says>
        {task && <div className={styles.run}>{runId ? <Link to="/runs/$id" params={{ id: runId }}>Its run</Link> : 'In a run of somebody else'}</div>}
      </Cell>
      <Cell right room="some">{format.count(cores)}</Cell>
      <Cell right room="much">{threads ?? <span className="soft" title="As many as its part of a run needs">as needed</span>}</Cell>
      <Cell right room="much">{maxRps === null || maxRps === undefined ? <span className="soft">none</span> : format.rate(maxRps)}</Cell>
      <Cell right room="some">{clockErrorMs === null || clockErrorMs === undefined ? <span className="soft" title="Not measured yet">–</span> : format.latency(clockErrorMs)}</Cell>
      <Cell room="some">{version}</Cell>
      <Cell room="some" title={format.date(lastSeenAt)}><span className="soft">{format.ago(lastSeenAt)}</span></Cell>
      {mayDrain && (
        <Cell right>
          {alive && !draining && (
            <ConfirmButton label="Drain" kind="plain" small title={`Drain ${name}?`} sure="Drain" onSure={drain}
              says="It takes no new task, hands its part of a run to another worker or finishes it, and then ends. To have it back, start it again." />
          )}
        </Cell>
      )}
    </tr>
  );
}
