// Says what holds for the whole platform: that it cannot be reached, is halted, or is of another version than this page.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { about, halt } from '../api/queries';
import { ApiError } from '../api/client';
import { Button, format, Notice } from '../ui';
import styles from './Banners.module.css';

const RETRY_MS = 2000;

export function Banners() {
  return (
    <div className={styles.banners}>
      <Unreachable />
      <OtherVersion />
      <Halted />
    </div>
  );
}

/** Asks again until the controller is back, and then has everything on the screen asked anew. */
function Unreachable() {
  const queries = useQueryClient();
  const away = useRef(false);
  const { error, isSuccess, dataUpdatedAt } = useQuery({ ...about, retry: false, staleTime: 0, refetchInterval: ({ state }) => (state.error ? RETRY_MS : 5 * RETRY_MS), refetchIntervalInBackground: true });
  const gone = error instanceof ApiError && (error.status === 0 || error.status >= 500);
  useEffect(() => {
    if (gone) away.current = true;
    else if (isSuccess && away.current) {
      away.current = false;
      void queries.invalidateQueries();
    }
  }, [gone, isSuccess, dataUpdatedAt, queries]);
  return gone ? <Notice tone="warning">The controller cannot be reached. What you see may be old; it goes on by itself when the controller is back. Runs on other workers go on meanwhile.</Notice> : null;
}

/** The page stays open while the controller is replaced by another version. */
function OtherVersion() {
  const { data } = useQuery(about);
  const [first, setFirst] = useState<string | null>(null);
  useEffect(() => {
    if (data && first === null) setFirst(data.version);
  }, [data, first]);
  if (!data || first === null || data.version === first) return null;
  return <Notice actions={<Button small onClick={() => location.reload()}>Reload</Button>}>The controller is of version {data.version} now, this page of {first}.</Notice>;
}

function Halted() {
  const { data } = useQuery({ ...halt, retry: false });
  if (!data?.halted) return null;
  const { reason, by, since } = data;
  return <Notice tone="bad">The platform is halted{by ? ` by ${by}` : ''}{since ? `, ${format.ago(since)}` : ''}: nothing may start until an admin lifts it.{reason ? ` ${reason}` : ''}</Notice>;
}
