// Teaches the first step where there is no run yet.
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { Button, Card, Copy, Icon, Input } from '../../ui';
import styles from './FirstSteps.module.css';
import { readTarget } from './target';

export function FirstSteps() {
  return (
    <Card>
      <div className={styles.steps}>
        <span className={styles.sign}><Icon name="runs" size={24} /></span>
        <h2>Make your first load test</h2>
        <p className={styles.says}>Say what to load. The next page suggests a gentle load, shows it before it starts, and lets you change all of it. Load only what you may.</p>
        <Target />
        <div className={styles.ways}>
          <Way says="From a terminal, or a pipeline" command={`loadcore run https://your.example/ --rate 50 --duration 30s --controller ${location.origin}`} />
          <Way says="Only looking? The demo brings its own target and load" command="loadcore-controller --demo" />
        </div>
      </div>
    </Card>
  );
}

/** A URL alone is a curl line too, which the editor makes a scenario of. */
function Target() {
  const navigate = useNavigate();
  const [url, setUrl] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const go = (event: React.FormEvent) => {
    event.preventDefault();
    const target = readTarget(url);
    if (!target) return setFault('Give a whole address, like https://shop.example/');
    void navigate({ to: '/scenarios/new', search: { curl: `curl '${target}'` } });
  };
  return (
    <form className={styles.form} onSubmit={go} noValidate>
      <Input label="Target URL" quiet type="url" inputMode="url" placeholder="https://shop.example/" value={url} fault={fault} onChange={(event) => { setUrl(event.target.value); setFault(null); }} />
      <Button kind="primary" type="submit" icon="right">Set it up</Button>
    </form>
  );
}

function Way({ says, command }: { says: string; command: string }) {
  return <div className={styles.way}><p>{says}</p><div className={styles.command}><code>{command}</code><Copy text={command} label="Copy the command" /></div></div>;
}
