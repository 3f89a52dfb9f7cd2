// Shows the headers of a request in rows; what looks secret is masked, and named secrets are offered.
import { Link } from '@tanstack/react-router';
import { useId, useState } from 'react';
import { Button, Input, Menu } from '../../ui';
import { keptHint, useAt, useEditing } from './editing';
import styles from './Form.module.css';
import { headersOf, rowsOf, type Row } from './headers';
import { pathOf, stepsOf } from './paths';
import { byName, isNamed, isRedacted, isSecretHeader } from './secrets';

const COMMON = ['Accept', 'Accept-Encoding', 'Accept-Language', 'Authorization', 'Cache-Control', 'Content-Type', 'Cookie', 'Origin', 'Referer', 'User-Agent', 'X-Api-Key', 'X-Request-Id'];

export function Headers({ path }: { path: string }) {
  const { value, fault, disabled, put } = useAt(path);
  const { faultsAt } = useEditing();
  const names = useId();
  // A row without a name is no header yet.
  const [isAdding, setAdding] = useState(false);
  const rows = rowsOf(value);
  const shown: Row[] = isAdding ? [...rows, ['', '']] : rows;
  const change = (place: number, row: Row | null) => {
    if (place === rows.length) setAdding(false);
    if (place < rows.length || row !== null) put(headersOf(row === null ? shown.filter((_, other) => other !== place) : shown.map((old, other) => (other === place ? row : old))));
  };
  return (
    <div className={styles.rows} data-path={path} tabIndex={-1}>
      <datalist id={names}>{COMMON.map((name) => <option key={name} value={name} />)}</datalist>
      {fault.map((it) => <p key={it} className={styles.bad} role="alert">{it}</p>)}
      {shown.map((row, place) => {
        const own = pathOf([...stepsOf(path), row[0]]);
        return <HeaderRow key={place} row={row} path={own} names={names} fault={faultsAt(own)} disabled={disabled} onChange={(changed) => change(place, changed)} />;
      })}
      <div className={styles.buttons}>
        <Button small icon="plus" disabled={disabled || isAdding} onClick={() => setAdding(true)}>Add header</Button>
      </div>
    </div>
  );
}

function HeaderRow({ row: [name, value], path, names, fault, disabled, onChange }: { row: Row; path: string; names: string; fault: string[]; disabled: boolean; onChange: (row: Row | null) => void }) {
  const { secrets, isStored } = useEditing();
  // A name is taken when it is whole: half of it may be another header's.
  const [writing, setWriting] = useState<string | null>(null);
  const [shows, setShows] = useState(false);
  const isSecret = isSecretHeader(name);
  const isMasked = isSecret && !shows && value !== '' && !isNamed(value) && !isRedacted(value);
  const take = () => {
    if (writing !== null && writing !== name) onChange([writing.trim(), value]);
    setWriting(null);
  };
  const hint = isRedacted(value) ? keptHint(isStored) : isSecret && value !== '' && !isNamed(value) ? <>Kept sealed, and not shown again. A named secret can be shared: <Link to="/settings/$part" params={{ part: 'secrets' }}>keep one</Link>.</> : undefined;
  return (
    <div className={`${styles.row} ${styles.header}`}>
      <Input label="Name of the header" quiet placeholder="Name" list={names} autoFocus={name === ''} disabled={disabled} value={writing ?? name} onChange={({ target }) => setWriting(target.value)} onBlur={take} onKeyDown={({ key }) => key === 'Enter' && take()} />
      <Input label={`Value of ${name || 'the header'}`} quiet placeholder="Value" data-path={path} type={isMasked ? 'password' : 'text'} autoComplete={isMasked ? 'new-password' : 'off'} fault={fault} hint={hint} disabled={disabled} value={value} onChange={({ target }) => onChange([name, target.value])} />
      <span className={styles.end}>
        {isSecret && value !== '' && !isNamed(value) && !isRedacted(value) && <Button kind="quiet" aria-pressed={shows} onClick={() => setShows(!shows)}>{shows ? 'Hide' : 'Show'}</Button>}
        {secrets.length > 0 && <Menu label="Use a named secret" kind="quiet" icon="key" choices={secrets.map((secret) => ({ label: secret.name, says: byName(secret.name), onChoose: () => onChange([name, withSecret(name, value, secret.name)]) }))} />}
        <Button kind="quiet" icon="trash" aria-label={`Remove the header ${name}`} disabled={disabled} onClick={() => onChange(null)} />
      </span>
    </div>
  );
}

/** Of `Bearer abc` the word before stays. */
function withSecret(name: string, value: string, secret: string): string {
  const scheme = /^(Bearer|Basic|Token)\s/i.exec(value)?.[0] ?? (name.toLowerCase() === 'authorization' && value === '' ? 'Bearer ' : '');
  return scheme + byName(secret);
}
