// Makes API tokens for pipelines, shows each once, and ends them.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { createToken, deleteToken } from '../../api/commands';
import { faultsAt } from '../../api/faults';
import { about, tokens } from '../../api/queries';
import type { MadeToken, Token } from '../../api/types';
import { Button, Card, Cell, Checkbox, Chip, ConfirmButton, Copy, Dialog, Empty, Failed, format, Head, Input, Loading, Notice, rowStyle, Table } from '../../ui';
import { Allowed } from './Allowed';
import { Faults } from './Faults';
import styles from './settings.module.css';

export function Tokens() {
  const { data: platform } = useQuery(about);
  return (
    <Allowed right="account">
      {platform && !platform.signIn && <Notice>This controller asks for no sign-in: whoever reaches it needs no token.</Notice>}
      <Card title="Make a token" says="A pipeline says with it who it is: it makes, starts and reads what is yours, and changes nothing of your account."><NewToken /></Card>
      <Listed />
    </Allowed>
  );
}

function NewToken() {
  const [form, setForm] = useState({ name: '', read: true, run: true, days: '90' });
  const [made, setMade] = useState<MadeToken | null>(null);
  const queries = useQueryClient();
  const make = useMutation({
    mutationFn: () => createToken({ name: form.name, scopes: (['read', 'run'] as const).filter((scope) => form[scope]), expiresInDays: Number(form.days) }),
    onError: () => undefined,
    onSuccess: (token) => {
      setMade(token);
      setForm({ ...form, name: '' });
      return queries.invalidateQueries({ queryKey: tokens.queryKey });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <Input label="Name" required placeholder="deploy" value={form.name} onChange={(event) => setForm({ ...form, name: event.target.value })} fault={faultsAt(make.error, 'name')} hint="What uses it" />
      <Input label="Good for" required inputMode="numeric" unit="days" value={form.days} onChange={(event) => setForm({ ...form, days: event.target.value })} fault={faultsAt(make.error, 'expiresInDays')} hint="1 to 366" />
      <fieldset className={styles.checks}>
        <legend className={styles.legend}>It may</legend>
        <Checkbox label="Read" checked={form.read} onChange={(event) => setForm({ ...form, read: event.target.checked })} />
        <Checkbox label="Make, start and steer runs" checked={form.run} onChange={(event) => setForm({ ...form, run: event.target.checked })} />
      </fieldset>
      <Faults error={make.error} fields={['name', 'expiresInDays']} />
      <div className={styles.actions}><Button type="submit" kind="primary" icon="key" busy={make.isPending} disabled={!form.read && !form.run}>Make it</Button></div>
      <Dialog title="Copy your token now" open={made !== null} onClose={() => setMade(null)} actions={<Button kind="primary" onClick={() => setMade(null)}>Done</Button>}>
        <p>It is shown this once. Whoever has it may act for you until {format.date(made?.expiresAt)}.</p>
        <div className={styles.shown}><span>{made?.token}</span><Copy text={made?.token ?? ''} label="Copy the token" /></div>
        <p className="soft">For example: <code>loadcore run FILE --controller {location.origin} --token TOKEN</code></p>
      </Dialog>
    </form>
  );
}

function Listed() {
  const found = useQuery(tokens);
  if (found.isPending) return <Card><Loading rows={4} /></Card>;
  if (found.error) return <Card><Failed error={found.error} what="The tokens" onRetry={() => found.refetch()} /></Card>;
  if (found.data.items.length === 0) return <Card><Empty icon="key" title="No tokens yet">Make one for each pipeline, so that each can be ended alone.</Empty></Card>;
  return (
    <Card title="Your tokens" flush>
      <Table label="Tokens" head={<><Head>Name</Head><Head>It may</Head><Head right>Made</Head><Head right>Used last</Head><Head right>Good until</Head><Head><span className="sr-only">What to do</span></Head></>}>
        {found.data.items.map((token) => <Row key={token.id} token={token} />)}
      </Table>
    </Card>
  );
}

function Row({ token: { id, name, scopes, createdAt, lastUsedAt, expiresAt } }: { token: Token }) {
  const queries = useQueryClient();
  const end = async () => {
    await deleteToken(id);
    await queries.invalidateQueries({ queryKey: tokens.queryKey });
  };
  const isOver = Date.parse(expiresAt) < Date.now();
  return (
    <tr className={rowStyle}>
      <Cell title={`${name}, ${id}`}><span className="cut">{name}</span></Cell>
      <Cell><span className={styles.chips}>{scopes.map((scope) => <Chip key={scope}>{format.word(scope)}</Chip>)}</span></Cell>
      <Cell right title={format.date(createdAt)}>{format.ago(createdAt)}</Cell>
      <Cell right title={format.date(lastUsedAt)}>{lastUsedAt ? format.ago(lastUsedAt) : 'Never'}</Cell>
      <Cell right>{isOver ? <Chip tone="warning" icon="clock">Over</Chip> : format.date(expiresAt)}</Cell>
      <Cell><div className={styles.buttons}><ConfirmButton quiet small icon="trash" label={`End ${name}`} title={`End ${name}?`} says="What uses it is refused at once." sure="End it" onSure={end} /></div></Cell>
    </tr>
  );
}
