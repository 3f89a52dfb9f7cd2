// Shows what one may use and uses now; admins see and set that of a user.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { call } from '../../api/client';
import { setQuota } from '../../api/commands';
import { faultsAt } from '../../api/faults';
import { quotas } from '../../api/queries';
import type { Quota } from '../../api/types';
import { Button, Card, Cell, Chip, Failed, Head, Input, Loading, rowStyle, Table, tell } from '../../ui';
import { useMay } from './Allowed';
import { Faults } from './Faults';
import { LIMITS, limitsOf, textsOf, usedShare, type LimitName } from './quota';
import styles from './settings.module.css';

export function Quotas() {
  const found = useQuery(quotas);
  const admin = useMay('admin');
  return (
    <>
      <Card title="What you may use" says="All of your runs together, and each run by itself. What is too much is refused before it starts; runs that go on are not touched." flush>
        {found.isPending ? <Loading rows={5} /> : found.error ? <Failed error={found.error} what="Your quota" onRetry={() => found.refetch()} /> : <Limits quota={found.data} />}
      </Card>
      {admin === false ? <Card title="Quota of a user"><p className="soft">Admins of the platform set what a user may use: ask one of them for more.</p></Card> : <OfUser />}
    </>
  );
}

function Limits({ quota }: { quota: Quota }) {
  return (
    <Table label="Limits" head={<><Head>What</Head><Head right>Used now</Head><Head right>Limit</Head><Head>Share</Head></>}>
      {LIMITS.map((row) => {
        const share = usedShare(row, quota);
        const limit = quota.limits[row.name];
        return (
          <tr key={row.name} className={rowStyle}>
            <Cell>{row.label}</Cell>
            <Cell right>{row.used ? row.show(row.used(quota.used)) : '–'}</Cell>
            <Cell right>{limit === null || limit === undefined ? <span className="soft">No limit</span> : row.show(limit)}{quota.own?.[row.name] !== null && quota.own?.[row.name] !== undefined && <> <Chip title="Set for this user alone">Own</Chip></>}</Cell>
            <Cell>{share === null ? <span className="soft">–</span> : <Meter share={share} label={row.label} />}</Cell>
          </tr>
        );
      })}
    </Table>
  );
}

function Meter({ share, label }: { share: number; label: string }) {
  const percent = Math.round(100 * share);
  return (
    <div className={styles.meter} role="meter" aria-label={`${label}, used`} aria-valuenow={percent} aria-valuemin={0} aria-valuemax={100}>
      <div className={styles.track}><span className={`${styles.fill} ${share >= 1 ? styles.full : ''}`} style={{ width: `${percent}%` }} /></div>
      <span className="soft">{share >= 1 ? 'All of it' : `${percent}%`}</span>
    </div>
  );
}

function OfUser() {
  const [text, setText] = useState('');
  const [user, setUser] = useState<string | null>(null);
  const found = useQuery({ queryKey: ['quota', user], queryFn: ({ signal }) => call<Quota>(`/quotas/${encodeURIComponent(user!)}`, { signal }), enabled: user !== null });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setUser(text.trim() || null);
  };
  return (
    <Card title="Quota of a user" says="For admins. An empty field is as for everybody, which the controller was started with.">
      <div className={styles.stack}>
        <form className={styles.form} onSubmit={submit}>
          <Input label="User" required value={text} onChange={(event) => setText(event.target.value)} hint="As the audit log names them" />
          <div className={styles.actions}><Button type="submit" busy={user !== null && found.isPending}>Show</Button></div>
        </form>
        {found.error && <Failed error={found.error} what="This quota" onRetry={() => found.refetch()} />}
        {found.data && <><Limits quota={found.data} /><SetLimits key={found.data.user} quota={found.data} /></>}
      </div>
    </Card>
  );
}

function SetLimits({ quota }: { quota: Quota }) {
  const [texts, setTexts] = useState(textsOf(quota.own));
  const queries = useQueryClient();
  const done = (says: string) => {
    tell(says);
    void queries.invalidateQueries({ queryKey: quotas.queryKey });
    return queries.invalidateQueries({ queryKey: ['quota', quota.user] });
  };
  const set = useMutation({ mutationFn: () => setQuota(quota.user, limitsOf(texts)), onError: () => undefined, onSuccess: () => done(`The quota of ${quota.user} is set`) });
  const clear = useMutation({
    mutationFn: () => call<null>(`/quotas/${encodeURIComponent(quota.user)}`, { method: 'DELETE' }),
    onSuccess: () => {
      setTexts(textsOf(null));
      return done(`${quota.user} has the quota of everybody`);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    set.mutate();
  };
  const field = (name: LimitName) => ({ value: texts[name], onChange: (event: { target: { value: string } }) => setTexts({ ...texts, [name]: event.target.value }), fault: faultsAt(set.error, name) });
  return (
    <form className={styles.form} onSubmit={submit}>
      {LIMITS.map(({ name, label, unit }) => <Input key={name} label={label} unit={unit || undefined} inputMode="decimal" placeholder="As for everybody" {...field(name)} />)}
      <Faults error={set.error} fields={LIMITS.map(({ name }) => name)} />
      <div className={styles.actions}>
        <Button type="submit" kind="primary" busy={set.isPending}>Set</Button>
        <Button busy={clear.isPending} disabled={!quota.own} onClick={() => clear.mutate()}>As for everybody</Button>
      </div>
    </form>
  );
}
