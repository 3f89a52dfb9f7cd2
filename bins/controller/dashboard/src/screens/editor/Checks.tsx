// Shows in rows what a reply must have.
import { Button, Input, Select } from '../../ui';
import { changed, checkOf, documentOf, FIRST, KINDS, type Check, type Kind } from './checks';
import { list, type Json } from './document';
import { useAt, useEditing } from './editing';
import styles from './Form.module.css';

export function Checks({ path }: { path: string }) {
  const { document, faultsAt } = useEditing();
  const { fault, disabled, put } = useAt(path);
  const rows = list(document, path);
  const change = (place: number, check: Json | null) => {
    const now = check === null ? rows.filter((_, other) => other !== place) : rows.map((old, other) => (other === place ? check : old));
    put(now.length > 0 ? now : undefined);
  };
  return (
    <div className={styles.rows} data-path={path} tabIndex={-1}>
      {fault.map((it) => <p key={it} className={styles.bad} role="alert">{it}</p>)}
      {rows.map((row, place) => {
        const own = `${path}[${place}]`;
        const faults = [own, ...['status', 'header', 'is', 'contains', 'bodyContains', 'bodyBytes', 'bodyBytes.is', 'bodyBytes.atLeast', 'bodyBytes.atMost'].map((key) => `${own}.${key}`)].flatMap(faultsAt);
        return <Row key={place} check={checkOf(row)} path={own} faults={faults} disabled={disabled} onChange={(check) => change(place, check)} />;
      })}
      <div className={styles.buttons}><Button small icon="plus" disabled={disabled} onClick={() => put([...rows, FIRST])}>Add check</Button></div>
    </div>
  );
}

function Row({ check, path, faults, disabled, onChange }: { check: Check | null; path: string; faults: string[]; disabled: boolean; onChange: (check: Json | null) => void }) {
  const remove = <Button kind="quiet" icon="trash" aria-label="Remove the check" disabled={disabled} onClick={() => onChange(null)} />;
  if (check === null) {
    return <div className={`${styles.row} ${styles.text}`} data-path={path} tabIndex={-1}><p className={faults.length > 0 ? styles.bad : styles.note}>{faults.join(' ') || 'This check has more than fits here: change it in the JSON.'}</p>{remove}</div>;
  }
  const put = (part: Partial<Check>) => onChange(documentOf({ ...check, ...part }));
  const isBytes = check.kind === 'is' || check.kind === 'atLeast' || check.kind === 'atMost';
  const isHeader = check.kind.startsWith('header');
  return (
    <div className={`${styles.row} ${styles.text}`}>
      <div className={styles.parts}>
        <Select label="What is checked" quiet options={KINDS} disabled={disabled} value={check.kind} onChange={({ target }) => onChange(documentOf(changed(check, target.value as Kind)))} />
        {isHeader && <Input label="Name of the header" quiet placeholder="Header" data-path={check.kind === 'header' ? path : undefined} fault={check.kind === 'header' ? faults : undefined} disabled={disabled} value={check.name} onChange={({ target }) => put({ name: target.value })} />}
        {check.kind !== 'header' && <Input label="What it must be" quiet placeholder={check.kind === 'status' ? '200 or 2xx' : check.kind === 'text' ? 'status==200' : 'Text'} unit={isBytes ? 'bytes' : undefined} data-path={path} fault={faults} disabled={disabled} value={check.value} onChange={({ target }) => put({ value: target.value })} />}
      </div>
      {remove}
    </div>
  );
}
