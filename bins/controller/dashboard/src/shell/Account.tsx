// Says who is signed in, and offers to sign out.
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { about, me } from '../api/queries';
import { session } from '../api/session';
import { signInAt } from '../api/start-session';
import { signOut } from '../api/supabase';
import { useSession } from '../api/use-session';
import { Button } from '../ui';
import styles from './Account.module.css';

export function Account() {
  const { data: platform } = useQuery(about);
  const { data: who } = useQuery({ ...me, retry: false });
  const state = useSession();
  const navigate = useNavigate();
  const name = session.email ?? who?.user;
  const leave = () => {
    const [at, token] = [signInAt(platform), session.current];
    // It is over here whether the sign-in hears of it or not.
    if (at && token) signOut(at, token).catch(() => undefined);
    session.end();
    void navigate({ to: '/sign-in' });
  };
  return (
    <span className={styles.account}>
      <span className={styles.who}>
        <span className="cut" title={name}>{name ?? '–'}{who?.admin && platform?.signIn ? ' (admin)' : ''}</span>
        {state === 'in' && <Button kind="quiet" small icon="out" aria-label="Sign out" onClick={leave} />}
      </span>
      {platform && <span className={styles.version}>{platform.version}</span>}
    </span>
  );
}
