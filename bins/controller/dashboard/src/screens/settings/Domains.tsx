// Claims domains, says how to prove that they are one's own, and looks for the proof.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { claimDomain, deleteDomain, verifyDomain } from '../../api/commands';
import { faultsAt } from '../../api/faults';
import { domains } from '../../api/queries';
import type { Domain } from '../../api/types';
import { Button, Card, Chip, ConfirmButton, Copy, Empty, Failed, format, Input, Loading, tell } from '../../ui';
import { useMay } from './Allowed';
import { Faults } from './Faults';
import styles from './settings.module.css';

export function Domains() {
  const found = useQuery(domains);
  const may = useMay('account');
  return (
    <>
      <Card title="Claim a domain" says="Where the platform asks for it, only domains that you have proved to be yours may be loaded, with all hosts below them.">
        {may === false ? <p className="soft">You are here with an API token, which claims no domains. Sign in to go on.</p> : <Claim />}
      </Card>
      <Card title={found.data && found.data.items.length > 0 ? 'Your domains' : undefined} flush={Boolean(found.data && found.data.items.length > 0)}>
        {found.isPending ? <Loading rows={4} /> : found.error ? <Failed error={found.error} what="The domains" onRetry={() => found.refetch()} /> : found.data.items.length === 0 ? <Empty icon="flag" title="No domains yet">Claim one: you are given a text to publish, as a file or as a record of DNS, and the platform looks for it there.</Empty> : found.data.items.map((domain) => <One key={domain.domain} domain={domain} may={may !== false} />)}
      </Card>
    </>
  );
}

function Claim() {
  const [name, setName] = useState('');
  const queries = useQueryClient();
  const claim = useMutation({
    mutationFn: () => claimDomain(name.trim()),
    onError: () => undefined,
    onSuccess: () => {
      setName('');
      return queries.invalidateQueries({ queryKey: domains.queryKey });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    claim.mutate();
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <Input label="Domain" required placeholder="example.com" value={name} onChange={(event) => setName(event.target.value)} fault={faultsAt(claim.error, 'domain')} />
      <Faults error={claim.error} fields={['domain']} />
      <div className={styles.actions}><Button type="submit" kind="primary" busy={claim.isPending}>Claim it</Button></div>
    </form>
  );
}

function One({ domain: { domain, token, file, record, proved, provedUntil }, may }: { domain: Domain; may: boolean }) {
  const queries = useQueryClient();
  const again = () => queries.invalidateQueries({ queryKey: domains.queryKey });
  const verify = useMutation({ mutationFn: () => verifyDomain(domain), onError: () => undefined, onSuccess: () => { tell(`${domain} is proved`); return again(); } });
  return (
    <section className={styles.domain} aria-label={domain}>
      <div className={styles.top}>
        <div className={styles.name}>{domain}{proved ? <Chip tone="good" icon="good">Proved until {format.date(provedUntil)}</Chip> : <Chip tone="warning" icon="clock">{provedUntil ? 'Proof is over' : 'Not proved yet'}</Chip>}</div>
        {may && (
          <div className={styles.buttons}>
            <Button small icon="search" busy={verify.isPending} onClick={() => verify.mutate()}>{proved ? 'Verify again' : 'Look for the proof'}</Button>
            <ConfirmButton quiet small icon="trash" label={`Delete ${domain}`} title={`Delete ${domain}?`} says="It counts as yours no more; a new claim has another text to publish." sure="Delete" onSure={async () => { await deleteDomain(domain); await again(); }} />
          </div>
        )}
      </div>
      <Faults error={verify.error} />
      {!proved && (
        <div className={styles.steps}>
          <p>Publish this text, and nothing else:</p>
          <div className={styles.shown}><span>{token}</span><Copy text={token} label="Copy the text" /></div>
          <p>Either as the file</p>
          <div className={styles.shown}><span>{file}</span><Copy text={file} label="Copy the address" /></div>
          <p>or as the TXT record of DNS</p>
          <div className={styles.shown}><span>{record}</span><Copy text={record} label="Copy the name of the record" /></div>
        </div>
      )}
    </section>
  );
}
