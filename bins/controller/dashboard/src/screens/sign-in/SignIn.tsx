// Shows how to sign in, says why where a session was refused or is over, and leads back to where one was.
import { useQuery } from '@tanstack/react-query';
import { useRouterState, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { about } from '../../api/queries';
import { session } from '../../api/session';
import { signInAt } from '../../api/start-session';
import { useSession } from '../../api/use-session';
import { Button, Card, Empty, Failed, LinkButton, Loading, Notice, Page } from '../../ui';
import { AtSupabase } from './AtSupabase';
import { ComingBack } from './ComingBack';
import { errorOf } from './way-back';
import { PasteToken } from './PasteToken';
import styles from './SignIn.module.css';

export default function SignIn() {
  return (
    <div className={styles.screen}>
      <Page title="Sign in to loadcore" name="Sign in">
        <Card><Inside /></Card>
      </Page>
    </div>
  );
}

function Inside() {
  const platform = useQuery(about);
  const state = useSession();
  const { to, code, ...said } = useSearch({ from: '/sign-in' });
  const hash = useRouterState({ select: (router) => router.location.hash });
  const [paste, setPaste] = useState(false);
  if (platform.isPending || state === 'starting') return platform.error ? <Failed error={platform.error} onRetry={() => platform.refetch()} /> : <Loading rows={4} />;
  if (state === 'open') {
    return <Empty icon="good" title="Nothing to sign in to" actions={<LinkButton kind="primary" to="/">All runs</LinkButton>}>This controller asks for no sign-in: whoever reaches it may use it.</Empty>;
  }
  const at = signInAt(platform.data);
  if (at && code) return <ComingBack at={at} code={code} />;
  const why = errorOf(said, hash) ?? session.refusal;
  return (
    <div className={styles.parts}>
      {why && <Notice tone="warning">{why}</Notice>}
      {state === 'in' && <Notice actions={<LinkButton small to="/">All runs</LinkButton>}>You are signed in{session.email ? ` as ${session.email}` : ''} already.</Notice>}
      {at && !paste ? <AtSupabase at={at} to={to} /> : <PasteToken to={to} elsewhere={!at} />}
      {at && <Button kind="quiet" onClick={() => setPaste(!paste)}>{paste ? 'Back to the sign-in' : 'Use a token instead'}</Button>}
    </div>
  );
}
