// Says who is signed in, and offers to sign out.
import { useQuery } from '@tanstack/react-query';
import { about, me } from '../api/queries';
import styles from './Account.module.css';

export function Account() {
  const { data: platform } = useQuery(about);
  const { data: who } = useQuery({ ...me, retry: false });
  return (
    <span className={styles.account}>
      <span className="cut" title={who?.user}>{who?.user ?? '–'}{who?.admin && platform?.signIn ? ' (admin)' : ''}</span>
      {platform && <span className={styles.version}>{platform.version}</span>}
    </span>
  );
}
