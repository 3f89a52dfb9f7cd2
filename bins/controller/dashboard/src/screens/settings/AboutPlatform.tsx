// Says what runs here, who asks, and where machines find what the page shows.
import { useQuery } from '@tanstack/react-query';
import { session } from '../../api/session';
import { about, me } from '../../api/queries';
import { Card, Failed, Loading } from '../../ui';
import styles from './settings.module.css';

export function AboutPlatform() {
  const platform = useQuery(about);
  const who = useQuery({ ...me, retry: false });
  if (platform.isPending) return <Card><Loading rows={4} /></Card>;
  if (platform.error) return <Card><Failed error={platform.error} what="What runs here" onRetry={() => platform.refetch()} /></Card>;
  const { version, demo, signIn } = platform.data;
  const rights = who.data ? ['read', who.data.run && 'make and start tests', who.data.account && 'change your account', who.data.admin && 'halt the platform and set quotas'].filter(Boolean).join(', ') : '–';
  return (
    <>
      <Card title="This platform">
        <dl className={styles.facts}>
          <dt>Version</dt><dd>{version}{demo ? ', as a demonstration' : ''}</dd>
          <dt>Sign-in</dt><dd>{signIn ? (signIn.url ?? 'By tokens') : 'None is asked for: whoever reaches this controller may use it'}</dd>
          <dt>You are</dt><dd>{who.data ? (session.email ? `${session.email} (${who.data.user})` : who.data.user) : '–'}{who.data?.admin ? ', an admin' : ''}</dd>
          <dt>You may</dt><dd>{rights}</dd>
        </dl>
      </Card>
      <Card title="For machines" says="All that this page does goes by calls that a program can make too.">
        <dl className={styles.facts}>
          <dt>Calls</dt><dd><code>{location.origin}/api/v1</code></dd>
          <dt>Description</dt><dd><a href="/openapi.json" target="_blank" rel="noreferrer">OpenAPI</a></dd>
          <dt>Metrics</dt><dd><a href="/metrics" target="_blank" rel="noreferrer">Prometheus</a></dd>
          <dt>Health</dt><dd><a href="/actuator/health" target="_blank" rel="noreferrer">Store and coordinator</a></dd>
          <dt>Command</dt><dd><code>loadcore run FILE --controller {location.origin}</code></dd>
        </dl>
      </Card>
    </>
  );
}
