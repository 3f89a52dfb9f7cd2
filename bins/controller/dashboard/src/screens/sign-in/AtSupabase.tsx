// Shows the ways that a Supabase project offers to sign in: other services, e-mail and password, a link in a mail.
import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { begin, canBegin } from '../../api/pkce';
import { authorizeAddress, sendLink, ways, withPassword, type SignInAt } from '../../api/supabase';
import { Button, Failed, format, Input, Loading, Notice } from '../../ui';
import { enter } from './enter';
import { useAttempt } from './use-attempt';
import styles from './SignIn.module.css';

/** Where a sign-in elsewhere comes back to. */
const backTo = () => `${location.origin}/sign-in`;
const NAMES: Record<string, string> = { github: 'GitHub', gitlab: 'GitLab', linkedin_oidc: 'LinkedIn', workos: 'WorkOS' };

export function AtSupabase({ at, to }: { at: SignInAt; to?: string }) {
  const offered = useQuery({ queryKey: ['sign-in', at.url], queryFn: () => ways(at), retry: 1, staleTime: Infinity });
  if (offered.isPending) return <Loading rows={4} />;
  if (offered.error) return <Failed error={offered.error} what="The sign-in" onRetry={() => offered.refetch()} />;
  const { email, providers } = offered.data;
  const elsewhere = canBegin() ? providers : [];
  return (
    <>
      {elsewhere.length > 0 && <Providers at={at} to={to} names={elsewhere} />}
      {elsewhere.length > 0 && email && <div className={styles.or}>or</div>}
      {email && <Mail at={at} to={to} />}
      {!email && elsewhere.length === 0 && <Notice tone="warning">The sign-in offers nothing that works on this page{providers.length > 0 ? ': open it over HTTPS' : ''}. A token can be used.</Notice>}
    </>
  );
}

function Providers({ at, to, names }: { at: SignInAt; to?: string; names: string[] }) {
  const { busy, fault, attempt } = useAttempt();
  const go = (name: string) => attempt(name, async () => location.assign(authorizeAddress(at, name, backTo(), await begin(to ?? null, 'here'))));
  return (
    <div className={styles.providers}>
      {names.map((name) => <Button key={name} busy={busy === name} disabled={busy !== null} onClick={() => go(name)}>Continue with {NAMES[name] ?? format.word(name)}</Button>)}
      {fault && <p className={styles.fault} role="alert">{fault}</p>}
    </div>
  );
}

function Mail({ at, to }: { at: SignInAt; to?: string }) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [sentTo, setSentTo] = useState<string | null>(null);
  const { busy, fault, attempt } = useAttempt();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void attempt('password', async () => enter(await withPassword(at, email, password), to));
  };
  const link = () => attempt('link', async () => {
    await sendLink(at, email, backTo(), await begin(to ?? null, 'browser'));
    setSentTo(email);
  }, true);
  return (
    <form className={styles.form} onSubmit={submit}>
      {sentTo && <Notice tone="good">A link is on its way to {sentTo}, if somebody is known by that address. Open it in this browser within an hour.</Notice>}
      <Input label="E-mail" type="email" name="email" autoComplete="username" required value={email} onChange={(event) => setEmail(event.target.value)} autoFocus />
      <Input label="Password" type="password" name="password" autoComplete="current-password" value={password} onChange={(event) => setPassword(event.target.value)} />
      {fault && <p className={styles.fault} role="alert">{fault}</p>}
      <Button type="submit" kind="primary" busy={busy === 'password'} disabled={busy !== null || email === '' || password === ''}>Sign in</Button>
      {canBegin() && <Button busy={busy === 'link'} disabled={busy !== null || !email.includes('@')} onClick={link}>Send me a link instead</Button>}
    </form>
  );
}
