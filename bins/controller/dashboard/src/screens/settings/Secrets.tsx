// Keeps values that nobody sees again, under names that scenarios have in their place.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { deleteSecret, setSecret } from '../../api/commands';
import { faultsAt } from '../../api/faults';
import { secrets } from '../../api/queries';
import { Button, Card, Cell, ConfirmButton, Copy, Empty, Failed, format, Head, Input, Loading, rowStyle, Table, tell } from '../../ui';
import { Allowed } from './Allowed';
import { Faults } from './Faults';
import styles from './settings.module.css';

const NONE = { name: '', value: '' };
const reference = (name: string) => `\${secret:${name}}`;

export function Secrets() {
  const [form, setForm] = useState(NONE);
  return (
    <Allowed right="account">
      <Card title="Keep a secret" says={<>Scenarios name it <code>{reference(form.name || 'NAME')}</code> in headers, bodies, URLs and cookies. Its value is put in when a run is made, and is never shown again.</>}>
        <SetSecret form={form} setForm={setForm} />
      </Card>
      <Listed onChange={(name) => setForm({ name, value: '' })} />
    </Allowed>
  );
}

function SetSecret({ form, setForm }: { form: typeof NONE; setForm: (form: typeof NONE) => void }) {
  const queries = useQueryClient();
  const set = useMutation({
    mutationFn: ({ name, value }: typeof NONE) => setSecret(name.trim(), value),
    onError: () => undefined,
    onSuccess: (_, { name }) => {
      tell(`${name} is kept`);
      setForm(NONE);
      return queries.invalidateQueries({ queryKey: secrets.queryKey });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    set.mutate(form);
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <Input label="Name" required placeholder="SHOP_TOKEN" value={form.name} onChange={(event) => setForm({ ...form, name: event.target.value })} fault={faultsAt(set.error, 'name')} hint="Letters, digits and _; one that is there gets the new value" />
      <Input label="Value" required type="password" autoComplete="new-password" value={form.value} onChange={(event) => setForm({ ...form, value: event.target.value })} fault={faultsAt(set.error, 'value')} />
      <Faults error={set.error} fields={['name', 'value']} />
      <div className={styles.actions}><Button type="submit" kind="primary" busy={set.isPending}>Keep it</Button></div>
    </form>
  );
}

function Listed({ onChange }: { onChange: (name: string) => void }) {
  const found = useQuery(secrets);
  const queries = useQueryClient();
  const remove = async (name: string) => {
    await deleteSecret(name);
    await queries.invalidateQueries({ queryKey: secrets.queryKey });
  };
  if (found.isPending) return <Card><Loading rows={4} /></Card>;
  if (found.error) return <Card><Failed error={found.error} what="The secrets" onRetry={() => found.refetch()} /></Card>;
  if (found.data.items.length === 0) return <Card><Empty icon="key" title="No secrets yet">Keep the password or key of your target here, and write <code>{reference('NAME')}</code> where a scenario needs it: results, reports and logs show the name alone.</Empty></Card>;
  return (
    <Card title="Your secrets" flush>
      <Table label="Secrets" head={<><Head>Name</Head><Head right>Kept</Head><Head right>Changed</Head><Head><span className="sr-only">What to do</span></Head></>}>
        {found.data.items.map(({ name, createdAt, changedAt }) => (
          <tr key={name} className={rowStyle}>
            <Cell mono title={name}>{name}</Cell>
            <Cell right title={format.date(createdAt)}>{format.ago(createdAt)}</Cell>
            <Cell right title={format.date(changedAt)}>{format.ago(changedAt)}</Cell>
            <Cell>
              <div className={styles.buttons}>
                <Copy text={reference(name)} label={`Copy ${reference(name)}`} />
                <Button kind="quiet" small icon="edit" aria-label={`Give ${name} another value`} onClick={() => onChange(name)} />
                <ConfirmButton quiet small icon="trash" label={`Delete ${name}`} title={`Delete ${name}?`} says="Scenarios that name it cannot be started any more. Runs that go on keep the value they have." sure="Delete" onSure={() => remove(name)} />
              </div>
            </Cell>
          </tr>
        ))}
      </Table>
    </Card>
  );
}
