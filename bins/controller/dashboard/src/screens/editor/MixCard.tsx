// Shows the requests of the mix, each with its share.
import { Button } from '../../ui';
import { digits } from '../../ui/format';
import { get, list, text, type Json } from './document';
import { ChoiceAt, NumberAt, TextAt, useEditing } from './editing';
import { Fold } from './Fold';
import styles from './Form.module.css';
import { sharesOf, withoutRequest, withRequest } from './mix';
import { METHODS, RequestParts, useFaultsUnder } from './RequestCard';

const MOST = 100;

export function MixCard() {
  const { document, update, faultsAt, isLocked } = useEditing();
  const faultsUnder = useFaultsUnder();
  const rows = list(document, 'mix');
  const shares = sharesOf(rows);
  const says = rows.length === 0 ? 'One request; or several, each with its own share and figures' : rows.map((row) => text(get(row, 'name'))).join(', ');
  return (
    <Fold title="Mix of requests" says={says} faults={faultsUnder('mix')} open={rows.length > 0}>
      <div className={styles.stack} data-path="mix" tabIndex={-1}>
        {faultsAt('mix').map((it) => <p key={it} className={styles.bad} role="alert">{it}</p>)}
        {rows.length === 0 && <p className={styles.note}>With a mix, each arrival is one of several requests, at random, as often as its weight says. The results show each by its name. Headers and checks of the scenario are for all of them.</p>}
        {rows.map((row, place) => <Request key={place} place={place} row={row} share={shares[place] ?? null} onRemove={() => update((now) => withoutRequest(now, place))} onCopy={() => update((now) => withRequest(now, place))} />)}
        <div className={styles.buttons}><Button small icon="plus" disabled={isLocked || rows.length >= MOST} onClick={() => update((now) => withRequest(now))}>{rows.length === 0 ? 'Make it a mix' : 'Add request'}</Button></div>
      </div>
    </Fold>
  );
}

function Request({ place, row, share, onRemove, onCopy }: { place: number; row: Json; share: number | null; onRemove: () => void; onCopy: () => void }) {
  const { isLocked } = useEditing();
  const path = `mix[${place}]`;
  const name = text(get(row, 'name')) || `Request ${place + 1}`;
  return (
    <div className={styles.entry} data-path={path} tabIndex={-1}>
      <div className={styles.entryHead}>
        <strong className="cut" title={name}>{name}</strong>
        <span className={styles.end}>
          <span className={styles.unit} title="How many of 100 arrivals are this request">{share === null ? '–' : `${digits(share * 100)}%`}</span>
          <Button kind="quiet" small icon="copy" aria-label={`Copy ${name}`} disabled={isLocked} onClick={onCopy} />
          <Button kind="quiet" small icon="trash" aria-label={`Remove ${name}`} disabled={isLocked} onClick={onRemove} />
        </span>
      </div>
      <div className={`${styles.row} ${styles.request}`}>
        <TextAt path={`${path}.name`} label="Name" placeholder="checkout" />
        <ChoiceAt path={`${path}.method`} label="Method" options={METHODS} otherwise="GET" />
        <TextAt path={`${path}.url`} label="URL" placeholder="/cart" />
        <NumberAt path={`${path}.weight`} label="Weight" placeholder="1" />
      </div>
      <div><RequestParts path={path} /></div>
    </div>
  );
}
