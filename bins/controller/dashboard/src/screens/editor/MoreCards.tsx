// Shows what few scenarios say: workers and limits, how connections are made, who is told, what is observed, what people note.
import { Button, Input, Select, TextArea } from '../../ui';
import { get, isObject, list, text, type Doc, type Json } from './document';
import { AreaAt, ChoiceAt, keptHint, NumberAt, SwitchAt, TextAt, useAt, useEditing } from './editing';
import { Fold } from './Fold';
import styles from './Form.module.css';
import { isRedacted } from './secrets';
import { useFaultsUnder } from './RequestCard';

/** What of some fields the document says, in a line. */
function said(document: Doc, fields: Record<string, string>): string {
  const given = Object.entries(fields).filter(([key]) => document[key] !== undefined && document[key] !== null);
  return given.map(([key, label]) => (typeof document[key] === 'object' ? label : `${label} ${text(document[key])}`)).join(', ') || 'As usual';
}

const LIMITS = { numWorkers: 'Workers', connections: 'Connections', timeoutSeconds: 'Timeout', maxBacklog: 'Backlog', onWorkerLoss: 'Worker lost', streams: 'Streams', workerWaitSeconds: 'Wait', queueSeconds: 'Queue', threads: 'Threads', slackSeconds: 'Slack' };

export function LimitsCard() {
  const { document } = useEditing();
  const faultsUnder = useFaultsUnder();
  const isOpen = document.loadProfile !== undefined && document.loadProfile !== null;
  return (
    <Fold title="Workers and limits" says={said(document, LIMITS)} faults={faultsUnder(...Object.keys(LIMITS).filter((key) => isOpen || key !== 'connections'))}>
      <div className={styles.fields}>
        <NumberAt path="numWorkers" label="Workers" placeholder="1" hint="The load is split between them" />
        <NumberAt path="timeoutSeconds" label="Timeout of a request" unit="s" placeholder="10" />
        {isOpen && <NumberAt path="connections" label="Most connections" placeholder="1000" hint="Of all workers together" />}
        {isOpen && <NumberAt path="maxBacklog" label="Most backlog" placeholder="10 s' worth" hint="Arrivals that wait; more are dropped" />}
        <ChoiceAt path="onWorkerLoss" label="If a worker is lost" otherwise="rebalance" options={[['rebalance', 'Others take over'], ['continue', 'Go on without it'], ['fail', 'The run fails']]} />
      </div>
      <Fold plain title="Rarely needed" says="How long workers are awaited; threads, streams, slack" faults={faultsUnder('workerWaitSeconds', 'queueSeconds', 'threads', 'slackSeconds', 'streams')}>
        <div className={styles.fields}>
          <NumberAt path="workerWaitSeconds" label="Wait for absent workers" unit="s" placeholder="10" />
          <NumberAt path="queueSeconds" label="Wait for busy workers" unit="s" placeholder="600" />
          <NumberAt path="streams" label="HTTP/2 streams" placeholder={isOpen ? '100' : '1'} hint="Requests at once in each connection" />
          <NumberAt path="threads" label="Engine threads" placeholder="As needed" hint="Of each worker" />
          <NumberAt path="slackSeconds" label="Slack" unit="s" placeholder="0.001" hint="How long due requests may gather" />
        </div>
      </Fold>
    </Fold>
  );
}

const CONNECTION = { httpVersion: 'HTTP', keepAlive: 'Keep-alive', followRedirects: 'Redirects', tlsVerify: 'Verify TLS', addressFamily: 'Addresses', proxy: 'Proxy', connectTo: 'Connects elsewhere', caCertificate: 'Own authorities', clientCertificate: 'Own certificate', host: 'Host', compressed: 'Compressed', cookies: 'Cookies' };

export function ConnectionCard() {
  const { document, isStored } = useEditing();
  const faultsUnder = useFaultsUnder();
  const inJson = ['clientCertificate', 'cookies', 'form', 'bodyBase64'].filter((key) => document[key] !== undefined);
  return (
    <Fold title="Connection" says={said(document, CONNECTION)} faults={faultsUnder(...Object.keys(CONNECTION))}>
      <div className={styles.fields}>
        <ChoiceAt path="httpVersion" label="HTTP" otherwise="auto" options={[['auto', 'HTTP/2 if TLS agrees'], ['http1', 'HTTP/1.1'], ['http2', 'HTTP/2']]} />
        <NumberAt path="followRedirects" label="Redirects to follow" placeholder="0" hint="0: a redirect is an answer" />
        <ChoiceAt path="addressFamily" label="Addresses" otherwise="any" options={[['any', 'Any'], ['ipv4', 'IPv4'], ['ipv6', 'IPv6']]} />
        <TextAt path="host" label="Host" placeholder="As in the URL" />
      </div>
      <div className={styles.fields}>
        <SwitchAt path="keepAlive" label="Keep connections" otherwise hint="Off: one for each request" />
        <SwitchAt path="tlsVerify" label="Verify certificates" otherwise hint="Off: any is accepted" />
        <SwitchAt path="compressed" label="Ask for compressed replies" otherwise={false} hint="They are not unpacked" />
      </div>
      <TextAt path="proxy" label="Proxy" placeholder="http://proxy.example:3128" />
      <Lines path="connectTo" label="Connect elsewhere" placeholder="shop.test:443:127.0.0.1:8443" hint="HOST1:PORT1:HOST2:PORT2, one on each line" />
      <AreaAt path="caCertificate" label="Certificates to trust, as PEM" placeholder="-----BEGIN CERTIFICATE-----" rows={3} />
      {inJson.length > 0 && <p className={styles.note}>In the JSON alone: {inJson.join(', ')}.{inJson.includes('clientCertificate') && isRedacted(get(document, 'clientCertificate.key')) ? ` ${keptHint(isStored)}` : ''}</p>}
    </Fold>
  );
}

/** A list of texts, one on each line. */
function Lines({ path, label, placeholder, hint }: { path: string; label: string; placeholder: string; hint: string }) {
  const { document, faults } = useEditing();
  const { disabled, put } = useAt(path);
  const own = faults.filter((fault) => fault.path === path || fault.path.startsWith(`${path}[`)).map(({ message }) => message);
  return <TextArea label={label} hint={hint} placeholder={placeholder} rows={2} data-path={path} fault={own} disabled={disabled} value={list(document, path).map((line) => text(line)).join('\n')} onChange={({ target }) => put(target.value === '' ? undefined : target.value.split('\n'))} />;
}

export function WatchCard() {
  const { document } = useEditing();
  const faultsUnder = useFaultsUnder();
  const [alerts, observed] = [list(document, 'alerts').length, list(document, 'observe').length];
  const says = [alerts > 0 && `${alerts} told`, observed > 0 && `${observed} observed`].filter(Boolean).join(', ') || 'Nobody is told, nothing is observed';
  return (
    <Fold title="Alerts and observed metrics" says={says} faults={faultsUnder('alerts', 'observe')}>
      <Objects path="alerts" add="Add alert" first={{ type: 'webhook', url: '' }} note="Told when a violation of an SLA rule begins, and when it ends.">
        {(path) => <><Type path={`${path}.type`} /><TextAt path={`${path}.url`} label="URL" placeholder="https://hooks.example/loadcore" />{get(document, `${path}.type`) !== 'slack' && <TextAt path={`${path}.secret`} label="Secret" type="password" placeholder="Signs what is sent" />}</>}
      </Objects>
      <Objects path="observe" add="Observe metrics" first={{ url: '' }} note="The target's own metrics, in Prometheus's text format, read once a second beside the load.">
        {(path, row) => (typeof row === 'string' ? <TextAt path={path} label="URL" placeholder="http://127.0.0.1:9100/metrics" /> : <><TextAt path={`${path}.name`} label="Name" placeholder="Its host" /><TextAt path={`${path}.url`} label="URL" placeholder="http://127.0.0.1:9100/metrics" /></>)}
      </Objects>
    </Fold>
  );
}

function Type({ path }: { path: string }) {
  const { value, disabled, put } = useAt(path);
  return <Select label="Kind" options={[['webhook', 'Webhook'], ['slack', 'Slack']]} data-path={path} disabled={disabled} value={text(value)} onChange={({ target }) => put(target.value)} />;
}

function Objects({ path, add, first, note, children }: { path: string; add: string; first: Doc; note: string; children: (path: string, row: Json) => React.ReactNode }) {
  const { document, faultsAt } = useEditing();
  const { fault, disabled, put } = useAt(path);
  const rows = list(document, path);
  const remove = (place: number) => {
    const now = rows.filter((_, other) => other !== place);
    put(now.length > 0 ? now : undefined);
  };
  return (
    <div className={styles.rows} data-path={path} tabIndex={-1}>
      <p className={styles.note}>{note}</p>
      {rows.map((row, place) => {
        const own = `${path}[${place}]`;
        return (
          <div key={place} className={styles.entry} data-path={own} tabIndex={-1}>
            <div className={styles.fields}>{isObject(row) || typeof row === 'string' ? children(own, row) : <p className={styles.note}>It is changed in the JSON.</p>}</div>
            {typeof row !== 'string' && faultsAt(own).map((it) => <p key={it} className={styles.bad} role="alert">{it}</p>)}
            <div className={styles.buttons}><Button small kind="quiet" icon="trash" disabled={disabled} onClick={() => remove(place)}>Remove</Button></div>
          </div>
        );
      })}
      {fault.map((it) => <p key={it} className={styles.bad} role="alert">{it}</p>)}
      <div className={styles.buttons}><Button small icon="plus" disabled={disabled} onClick={() => put([...rows, first])}>{add}</Button></div>
    </div>
  );
}

export function NotesCard() {
  const { document, faults } = useEditing();
  const faultsUnder = useFaultsUnder();
  const { disabled, put } = useAt('tags');
  const tags = list(document, 'tags').map((tag) => text(tag));
  const own = faults.filter((fault) => fault.path === 'tags' || fault.path.startsWith('tags[')).map(({ message }) => message);
  return (
    <Fold title="Name, tags and notes" says={[text(document.name) || 'No name', ...tags].join(', ')} faults={faultsUnder('name', 'tags', 'notes')}>
      <div className={styles.fields}>
        <TextAt path="name" label="Name" placeholder="Checkout under a rush" />
        <Input label="Tags" hint="With commas between" placeholder="smoke, nightly" data-path="tags" fault={own} disabled={disabled} defaultValue={tags.join(', ')} key={tags.join(',')} onBlur={({ target }) => { const now = target.value.split(',').map((tag) => tag.trim()).filter((tag) => tag !== ''); if (now.join(',') !== tags.join(',')) put(now.length > 0 ? now : undefined); }} />
      </div>
      <AreaAt path="notes" label="Notes" placeholder="Whatever is worth remembering" rows={3} />
    </Fold>
  );
}
