// Shows a scenario as the document that it is, and the commands that run it from elsewhere.
import { useState } from 'react';
import type { ScenarioView } from '../../api/types';
import { fileName } from '../../api/words';
import { Button, Card, Copy, Grid, Notice } from '../../ui';
import styles from './Scenario.module.css';

export function Elsewhere({ view: { id, scenario } }: { view: ScenarioView }) {
  const [whole, setWhole] = useState(false);
  const text = JSON.stringify(scenario, null, 2);
  const file = `${fileName(scenario.name)}.json`;
  const long = text.split('\n').length > LINES;
  return (
    <Grid least={460}>
      <Card title="From a terminal, or a pipeline">
        <div className={styles.ways}>
          <Command says="Start this scenario on this controller, as it is kept here" text={`curl -X POST ${location.origin}/api/v1/scenarios/${id}/runs`} />
          <Command says={`Run the document on this controller, wait for it, and judge it by the exit code. Download ${file} first`} text={`loadcore run ${file} --controller ${location.origin}`} />
          <Command says="Or on that machine, without any controller" text={`loadcore run ${file}`} />
        </div>
      </Card>
      <Card title="Document" actions={<><Copy text={text}>Copy</Copy><Button kind="quiet" small icon="download" onClick={() => keep(text, file)}>Download</Button></>}>
        {text.includes('[redacted]') && <Notice tone="info">What is secret is not shown: it reads [redacted], and whoever runs the file elsewhere gives it.</Notice>}
        <pre className={`${styles.json} ${long && !whole ? styles.short : ''}`} tabIndex={0} aria-label="The document in JSON"><code>{text}</code></pre>
        {long && <Button kind="quiet" small onClick={() => setWhole(!whole)}>{whole ? 'Show less' : 'Show all of it'}</Button>}
      </Card>
    </Grid>
  );
}

const LINES = 18;

function Command({ says, text }: { says: string; text: string }) {
  return <div className={styles.way}><p>{says}</p><div className={styles.command}><code tabIndex={0}>{text}</code><Copy text={text} label="Copy the command" /></div></div>;
}

function keep(text: string, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
