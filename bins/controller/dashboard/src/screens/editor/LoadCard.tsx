// Shows how much is sent: the course of the rate with its fields, how long, and its plot, whose points can be dragged.
import { Button, Card, Segmented } from '../../ui';
import { get, list, set, type Json } from './document';
import { ChoiceAt, NumberAt, useAt, useEditing } from './editing';
import { Fold } from './Fold';
import styles from './Form.module.css';
import { PlanPlot } from './PlanPlot';
import { PROFILES, SAYS, typeOf, withMore, withType, type ProfileType } from './profile';
import { useFaultsUnder } from './RequestCard';
import type { Verdict } from './use-validation';

const CHOICES = [...PROFILES, ['closed', 'Closed loop']] as const;
const CLOSED = 'No rate: each connection sends its next request when the last one is answered. It finds how fast the target can be, not how it does under a given load.';

export function LoadCard({ verdict }: { verdict: Verdict }) {
  const { document, update, isLocked } = useEditing();
  const type = typeOf(document);
  const isOpen = document.loadProfile !== undefined && document.loadProfile !== null;
  const faultsUnder = useFaultsUnder();
  const shown = isOpen ? (type ?? 'unknown') : 'closed';
  return (
    <Card title="Load" says={type ? SAYS[type] : isOpen ? 'This profile is changed in the JSON.' : CLOSED}>
      <div className={styles.stack}>
        <div className={styles.profiles} data-path="loadProfile.type" tabIndex={-1}>
          <Segmented<string> label="Course of the rate" value={shown} options={CHOICES} onChange={(value) => !isLocked && update((now) => withType(now, value as ProfileType | 'closed'))} />
        </div>
        <div className={styles.fields} data-path="loadProfile" tabIndex={-1}>
          {type && <Rates type={type} />}
          {type !== 'STEPS' && <NumberAt path="durationSeconds" label="Duration" unit="s" placeholder="60" />}
          {type === 'STEPS' && get(document, 'durationSeconds') !== undefined && <NumberAt path="durationSeconds" label="Duration" unit="s" hint="May be left empty: the steps say it" />}
          {!isOpen && <NumberAt path="connections" label="Connections" placeholder="64" />}
        </div>
        {type === 'BURST' && <Rows path="loadProfile.bursts" name="Burst" columns={[['startSecond', 'Begin', 's'], ['durationSeconds', 'Lasts', 's'], ['rps', 'Rate', '/s']]} />}
        {type === 'STEPS' && <Rows path="loadProfile.steps" name="Step" columns={[['durationSeconds', 'Lasts', 's'], ['rps', 'Rate', '/s']]} />}
        {type === 'REPLAY' && <Rows path="loadProfile.points" name="Point" columns={[['second', 'At', 's'], ['rps', 'Rate', '/s']]} />}
        {isOpen && <PlanPlot verdict={verdict} />}
        <Fold plain title="More of the load" says={isOpen ? 'Warm-up, arrivals, a number of requests' : 'Warm-up, a number of requests'} faults={faultsUnder('warmupSeconds', 'arrivals', 'seed', 'maxRequests', 'drainSeconds')}>
          <div className={styles.fields}>
            <NumberAt path="warmupSeconds" label="Warm-up" unit="s" placeholder="0" hint="Before the measured time, at the first rate, in no figure" />
            <ChoiceAt path="arrivals" label="Arrivals" otherwise="UNIFORM" options={[['UNIFORM', 'Evenly spaced'], ['POISSON', 'At random']]} hint="At random is as many independent users come" />
            <NumberAt path="seed" label="Seed" placeholder="0" hint="The same seed gives the same arrivals, and the same order of the mix" />
            <NumberAt path="maxRequests" label="Stop after" unit="requests" placeholder="No limit" />
            <NumberAt path="drainSeconds" label="Drain" unit="s" placeholder="5" hint="How long what is under way at the end is awaited" />
          </div>
        </Fold>
      </div>
    </Card>
  );
}

const rate = (key: string, label: string, hint?: string) => <NumberAt key={key} path={`loadProfile.${key}`} label={label} unit="/s" hint={hint} />;
const second = (key: string, label: string, placeholder?: string, hint?: string) => <NumberAt key={key} path={`loadProfile.${key}`} label={label} unit="s" placeholder={placeholder} hint={hint} />;

function Rates({ type }: { type: ProfileType }) {
  switch (type) {
    case 'CONSTANT': return <>{rate('initialRps', 'Rate')}</>;
    case 'RAMP': return <>{rate('initialRps', 'From')}{rate('targetRps', 'To')}{second('rampUpSeconds', 'Within', 'The duration')}</>;
    case 'SPIKE': return <>{rate('initialRps', 'Rate')}{rate('targetRps', 'In the spike')}{second('spikeStartSecond', 'Spike at', 'In the middle')}{second('spikeDurationSeconds', 'Spike lasts', 'A tenth')}</>;
    case 'BURST': return <>{rate('initialRps', 'Rate between')}</>;
    case 'SINE': return <>{rate('initialRps', 'Middle')}{rate('amplitudeRps', 'Up and down by')}{second('periodSeconds', 'From wave to wave')}</>;
    default: return null;
  }
}

/** A list of the profile in rows. */
function Rows({ path, name, columns }: { path: string; name: string; columns: readonly (readonly [key: string, label: string, unit: string])[] }) {
  const { document, update } = useEditing();
  const { fault, disabled } = useAt(path);
  const rows = list(document, path);
  const key = path.split('.')[1] as 'bursts' | 'steps' | 'points';
  const layout = columns.length === 3 ? styles.three : styles.two;
  return (
    <div className={styles.rows} data-path={path} tabIndex={-1}>
      {fault.map((it) => <p key={it} className={styles.bad} role="alert">{it}</p>)}
      {rows.length > 0 && <div className={`${styles.heads} ${layout}`} aria-hidden="true">{columns.map(([, label, unit]) => <span key={label}>{label}, {unit}</span>)}</div>}
      {rows.slice(0, MOST_ROWS).map((_row: Json, place) => (
        <div key={place} className={`${styles.row} ${layout}`}>
          {columns.map(([field, label]) => <NumberAt key={field} path={`${path}[${place}].${field}`} label={`${name} ${place + 1}: ${label}`} quiet />)}
          <Button kind="quiet" icon="trash" aria-label={`Remove ${name.toLowerCase()} ${place + 1}`} disabled={disabled} onClick={() => update((now) => set(now, [...path.split('.'), place], undefined))} />
        </div>
      ))}
      {rows.length > MOST_ROWS && <p className={styles.note}>And {rows.length - MOST_ROWS} more, which are changed in the JSON.</p>}
      <div className={styles.buttons}><Button small icon="plus" disabled={disabled} onClick={() => update((now) => withMore(now, key))}>Add {name.toLowerCase()}</Button></div>
    </div>
  );
}

/** A recorded rate may have thousands. */
const MOST_ROWS = 50;
