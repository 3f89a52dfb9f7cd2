// Ends all load of all users at once, and lets nothing start until it is lifted.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { halt as haltNow, liftHalt } from '../../api/commands';
import { halt } from '../../api/queries';
import type { Halt } from '../../api/types';
import { Card, ConfirmButton, Failed, format, Input, Loading, Notice, tell } from '../../ui';
import { useMay } from './Allowed';
import styles from './settings.module.css';

export function HaltAll() {
  const found = useQuery(halt);
  if (found.isPending) return <Card><Loading rows={3} /></Card>;
  if (found.error) return <Card><Failed error={found.error} what="Whether the platform is halted" onRetry={() => found.refetch()} /></Card>;
  return <State state={found.data} />;
}

function State({ state: { halted, reason, by, since } }: { state: Halt }) {
  const admin = useMay('admin');
  const queries = useQueryClient();
  const again = () => queries.invalidateQueries();
  return (
    <Card title="Halt" says="For when something goes wrong: all runs of all users end within two seconds, and nothing starts until the halt is lifted. It holds after a restart.">
      <div className={styles.stack}>
        {halted ? (
          <Notice tone="bad">Halted by {by ?? 'somebody'}, {format.date(since)}: {reason ?? 'no reason was given'}</Notice>
        ) : (
          <Notice tone="good">The platform is not halted.</Notice>
        )}
        {admin === false ? <p className="soft">Only admins of the platform halt it, and lift a halt.</p> : halted ? (
          <div><ConfirmButton label="Lift the halt" title="Lift the halt?" says="Tests may start again. Those that were ended do not come back by themselves." sure="Lift it" onSure={async () => { await liftHalt(); await again(); tell('The halt is lifted'); }} /></div>
        ) : <Stop onDone={again} />}
      </div>
    </Card>
  );
}

function Stop({ onDone }: { onDone: () => Promise<unknown> }) {
  const [reason, setReason] = useState('');
  const stop = async () => {
    await haltNow(reason.trim());
    await onDone();
    tell('The platform is halted');
  };
  return (
    <div className={styles.form}>
      <Input label="Reason" required value={reason} onChange={(event) => setReason(event.target.value)} hint="It is shown to everybody whose run ends" placeholder="The wrong target" />
      <div className={styles.actions}><ConfirmButton label="Halt everything" icon="stop" disabled={reason.trim() === ''} title="Halt the whole platform?" says="Every run of every user ends within two seconds, and nothing starts until an admin lifts it." sure="Halt everything" onSure={stop} /></div>
    </div>
  );
}
