// Asks what a search is to look for, and starts it.
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { createSearch } from '../../api/commands';
import { faultsAt, faultsElsewhere } from '../../api/faults';
import { scenarios } from '../../api/queries';
import { Button, Input, Select } from '../../ui';
import styles from './capacity.module.css';
import { orderOf, ruleOf, STATISTICS, unitOf, type Form } from './words';

const FIRST: Form = { scenarioId: '', url: '', statistic: 'ok_p99', bound: '50', maxRate: '1000', minutes: '4' };
/** Which faults belong to which field: the controller names a scenario's with and without its place in the order. */
const PLACES = { what: /^(scenario\.)?(targetUrl|scenarioId|scenario)$/, slo: /^slo$/, maxRate: /^maxRate$/, minutes: /durationSeconds$/ };

export function NewSearch({ scenarioId = '', onCancel }: { scenarioId?: string; onCancel?: () => void }) {
  const [form, setForm] = useState<Form>({ ...FIRST, scenarioId });
  const navigate = useNavigate();
  const kept = useInfiniteQuery({ ...scenarios(), refetchInterval: false });
  const start = useMutation({ mutationFn: () => createSearch(orderOf(form)), onSuccess: ({ id }) => navigate({ to: '/capacity/$id', params: { id } }), onError: () => undefined });
  const set = (change: Partial<Form>) => setForm({ ...form, ...change });
  const at = (place: RegExp) => faultsAt(start.error, place);
  const rest = faultsElsewhere(start.error, Object.values(PLACES));
  const known = kept.data?.pages.flatMap((page) => page.items) ?? [];
  // One that is named in the address may lie beyond the first page.
  const options = [['', 'A URL'] as const, ...known.map(({ id, scenario }) => [id, scenario.name] as const), ...(form.scenarioId && !known.some(({ id }) => id === form.scenarioId) ? [[form.scenarioId, form.scenarioId] as const] : [])];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    start.mutate();
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <Select label="What is loaded" options={options} value={form.scenarioId} onChange={(event) => set({ scenarioId: event.target.value })} hint={form.scenarioId ? 'Its requests, workers and limits count; load, length and rules the search sets itself.' : undefined} fault={form.scenarioId ? at(PLACES.what) : undefined} />
      {!form.scenarioId && <Input label="URL" type="url" required placeholder="https://shop.example/" value={form.url} onChange={(event) => set({ url: event.target.value })} fault={at(PLACES.what)} />}
      <div className={styles.pair}>
        <Select label="Objective" options={STATISTICS.map(([name, words]) => [name, words] as const)} value={form.statistic} onChange={(event) => set({ statistic: event.target.value })} hint={`As a rule: ${ruleOf(form.statistic, form.bound)}`} />
        <Input label="Bound" inputMode="decimal" required unit={unitOf(form.statistic)} value={form.bound} onChange={(event) => set({ bound: event.target.value })} fault={at(PLACES.slo)} />
      </div>
      <div className={styles.even}>
        <Input label="Highest rate" inputMode="decimal" required unit="/s" value={form.maxRate} onChange={(event) => set({ maxRate: event.target.value })} hint="More is never tried" fault={at(PLACES.maxRate)} />
        <Input label="Time" inputMode="decimal" required unit="min" value={form.minutes} onChange={(event) => set({ minutes: event.target.value })} hint="At most; it ends sooner where it is sure" fault={at(PLACES.minutes)} />
      </div>
      {rest.length > 0 && <div className={styles.faults} role="alert">{rest.map((fault) => <p key={fault}>{fault}</p>)}</div>}
      <div><Button type="submit" kind="primary" icon="gauge" busy={start.isPending}>Start the search</Button>{onCancel && <Button kind="quiet" onClick={onCancel}>Cancel</Button>}</div>
    </form>
  );
}
