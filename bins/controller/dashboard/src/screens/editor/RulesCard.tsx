// Shows what the target promises, one rule in a row, and over which time it has to hold.
import { Button, Checkbox, Input, Select } from '../../ui';
import { get, list, text, typed, type Json } from './document';
import { useAt, useEditing } from './editing';
import { Fold } from './Fold';
import styles from './Form.module.css';
import { COMPARISONS, entryOf, METRICS, ruleOf, SUGGESTED, textOf, unitsOf, withMetric, withValue, type Rule } from './rule';
import { useFaultsUnder } from './RequestCard';

export function RulesCard() {
  const { document, faultsAt } = useEditing();
  const { fault, disabled, put } = useAt('sla');
  const faultsUnder = useFaultsUnder();
  const rows = list(document, 'sla');
  const change = (place: number, entry: Json | null) => {
    const now = entry === null ? rows.filter((_, other) => other !== place) : rows.map((old, other) => (other === place ? entry : old));
    put(now.length > 0 ? now : undefined);
  };
  const texts = rows.map((row) => entryOf(row)?.rule ?? '');
  const left = SUGGESTED.filter((rule) => !texts.includes(rule));
  return (
    <Fold title="SLA rules" says={rows.length === 0 ? 'None: nothing is asked of the target' : texts.join(', ')} faults={faultsUnder('sla')}>
      <div className={styles.rows} data-path="sla" tabIndex={-1}>
        {fault.map((it) => <p key={it} className={styles.bad} role="alert">{it}</p>)}
        {rows.length === 0 && <p className={styles.note}>A rule is a bound on a figure. Ask for speed of the ok requests, and beside it that few fail: what fails is often quick.</p>}
        {rows.map((row, place) => {
          const own = `sla[${place}]`;
          return <Entry key={place} entry={row} path={own} faults={[...faultsAt(own), ...faultsAt(`${own}.rule`)]} disabled={disabled} onChange={(entry) => change(place, entry)} />;
        })}
        <div className={styles.buttons}>
          {left.map((rule) => <Button key={rule} small icon="plus" disabled={disabled} onClick={() => put([...rows, rule])}>{rule}</Button>)}
          <Button small icon="plus" disabled={disabled} onClick={() => put([...rows, 'ok_p95<100ms'])}>Add rule</Button>
        </div>
      </div>
    </Fold>
  );
}

function Entry({ entry, path, faults, disabled, onChange }: { entry: Json; path: string; faults: string[]; disabled: boolean; onChange: (entry: Json | null) => void }) {
  const { faultsAt } = useEditing();
  const known = entryOf(entry);
  const remove = <Button kind="quiet" icon="trash" aria-label="Remove the rule" disabled={disabled} onClick={() => onChange(null)} />;
  if (known === null) return <div className={`${styles.row} ${styles.text}`} data-path={path} tabIndex={-1}><p className={styles.bad}>{faults.join(' ') || 'This is no rule: change it in the JSON.'}</p>{remove}</div>;
  const rule = ruleOf(known.rule);
  const put = (written: string) => onChange(withValue(entry, 'rule', written));
  const over = known.windowSeconds !== undefined && known.windowSeconds !== null;
  const says = over ? `In any ${text(known.windowSeconds)} s${known.abort === true ? ', else the run ends' : ''}` : 'Over the whole run';
  const within = faultsAt(`${path}.windowSeconds`).length + faultsAt(`${path}.forSeconds`).length + faultsAt(`${path}.abort`).length;
  return (
    <div className={styles.entry}>
      {rule ? <Built rule={rule} path={path} faults={faults} disabled={disabled} onChange={(changed) => put(textOf(changed))} remove={remove} /> : (
        <div className={`${styles.row} ${styles.text}`}><Input label="Rule as text" quiet data-path={path} placeholder="ok_p99<250ms" fault={faults} disabled={disabled} value={known.rule} onChange={({ target }) => put(target.value)} />{remove}</div>
      )}
      <Fold plain title="Over which time" says={says} faults={within}>
        <div className={styles.fields}>
          <Seconds label="Sliding window" hint="Empty: the whole run" path={`${path}.windowSeconds`} disabled={disabled} onPut={(value) => onChange(withValue(value === undefined ? withValue(entry, 'forSeconds', undefined) : entry, 'windowSeconds', value))} />
          {over && <Seconds label="Violated after" hint="So long it must not hold" path={`${path}.forSeconds`} disabled={disabled} onPut={(value) => onChange(withValue(entry, 'forSeconds', value))} />}
          <Checkbox label="A violation ends the run" data-path={`${path}.abort`} disabled={disabled} checked={known.abort === true} onChange={({ target }) => onChange(withValue(entry, 'abort', target.checked || undefined))} />
        </div>
      </Fold>
    </div>
  );
}

function Seconds({ label, hint, path, disabled, onPut }: { label: string; hint: string; path: string; disabled: boolean; onPut: (value: Json | undefined) => void }) {
  const { document, faultsAt } = useEditing();
  return <Input label={label} hint={hint} unit="s" inputMode="numeric" data-path={path} fault={faultsAt(path)} disabled={disabled} value={text(get(document, path))} onChange={({ target }) => onPut(typed(target.value))} />;
}

function Built({ rule, path, faults, disabled, onChange, remove }: { rule: Rule; path: string; faults: string[]; disabled: boolean; onChange: (rule: Rule) => void; remove: React.ReactNode }) {
  const { document } = useEditing();
  const names = list(document, 'mix').map((row) => text(get(row, 'name'))).filter((name) => name !== '');
  const metrics = METRICS.some(([metric]) => metric === rule.metric) ? METRICS : [...METRICS, [rule.metric, rule.metric] as const];
  const units = unitsOf(rule.metric);
  const ofRequest = names.length > 0 || rule.request !== '';
  const requests = [...new Set([...names, rule.request])].filter((name) => name !== '').map((name) => [name, name] as const);
  return (
    <div className={`${styles.row} ${styles.text}`}>
      <div className={styles.parts}>
        <div className={styles.group}>
          <Select label="Figure" quiet options={metrics} disabled={disabled} value={rule.metric} onChange={({ target }) => onChange(withMetric(rule, target.value))} />
          {ofRequest && <Select label="Of which request" quiet options={[['', 'Of all'], ...requests]} disabled={disabled} value={rule.request} onChange={({ target }) => onChange({ ...rule, request: target.value })} />}
        </div>
        <div className={styles.group}>
          <Select label="Has to be" quiet options={COMPARISONS} disabled={disabled} value={rule.comparison} onChange={({ target }) => onChange({ ...rule, comparison: target.value as Rule['comparison'] })} />
          <Input label="Bound" quiet inputMode="decimal" data-path={path} fault={faults} disabled={disabled} value={rule.value} onChange={({ target }) => onChange({ ...rule, value: target.value })} />
          {units.length > 1 ? <Select label="Unit" quiet options={units.map((unit) => [unit, unit === 'us' ? 'µs' : unit === 'm' ? 'min' : unit] as const)} disabled={disabled} value={rule.unit} onChange={({ target }) => onChange({ ...rule, unit: target.value })} /> : <span className={styles.unit}>{units[0]}</span>}
        </div>
      </div>
      {remove}
    </div>
  );
}
