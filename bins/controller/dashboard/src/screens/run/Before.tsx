// Says why a run has no figures: it waits, gets ready, or could not be made.
import { useEffect, useState } from 'react';
import type { Run } from '../../api/types';
import { Button, Card, Empty, format, Icon, LinkButton, Notice, Words } from '../../ui';
import { sentence } from './judge';
import styles from './Run.module.css';
import { Timeline } from './Timeline';
import type { RunPage } from './use-run';

const STEPS: { state: Run['state']; name: string; says: string }[] = [
  { state: 'QUEUED', name: 'Queued', says: 'Workers that it needs are busy with other runs; it goes on by itself, in the order of its coming.' },
  { state: 'PREPARING', name: 'Preparing', says: 'Its workers get the plan, each its own part, and open what they need.' },
  { state: 'STARTING', name: 'Starting', says: 'The moment of the start is fixed, so that all workers begin at the same time.' },
  { state: 'RUNNING', name: 'Running', says: 'The first figures come a second or two after the start.' },
];

export function Before({ page: { run, events } }: { page: RunPage }) {
  const now = STEPS.findIndex(({ state }) => state === run.state);
  return (
    <>
      <Card title="Not begun yet" says={STEPS[now]?.says}>
        <ol className={styles.steps}>
          {STEPS.map(({ state, name }, place) => (
            <li key={state} aria-current={place === now ? 'step' : undefined}>
              <span className={styles.stepSign}>{place < now ? <Icon name="good" size={12} /> : place + 1}</span>{name}
            </li>
          ))}
        </ol>
        {run.waitingFor && <Waiting waiting={run.waitingFor} />}
      </Card>
      <Warnings run={run} />
      {events.length > 0 && <Timeline events={events} />}
    </>
  );
}

function Waiting({ waiting }: { waiting: NonNullable<Run['waitingFor']> }) {
  return (
    <p className={styles.waiting}>
      Waits for {waiting.what}. <span className="soft">It waits for <Left seconds={waiting.leftSeconds} /> more, until {format.date(waiting.until)}.</span>
    </p>
  );
}

/** What is left, counted down between two answers. The controller's clock says how long; this page's own only passes the time. */
function Left({ seconds }: { seconds: number }) {
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    setLeft(seconds);
    const timer = setInterval(() => setLeft((now) => Math.max(0, now - 1)), 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return <>{format.duration(Math.round(left))}</>;
}

const SHOWN_WARNINGS = 2;

export function Warnings({ run }: { run: Run }) {
  const [all, setAll] = useState(false);
  const hidden = all ? 0 : Math.max(0, run.warnings.length - SHOWN_WARNINGS);
  return (
    <>
      {run.warnings.slice(0, all ? undefined : SHOWN_WARNINGS).map((text, place) => (
        <Notice key={text} tone="warning" actions={hidden > 0 && place === SHOWN_WARNINGS - 1 && <Button kind="quiet" small onClick={() => setAll(true)}>{`Show ${format.count(hidden)} more`}</Button>}>
          <Words>{sentence(text)}</Words>
        </Notice>
      ))}
    </>
  );
}

/** It ended, and nothing was measured. */
export function NoResult({ page: { run, events } }: { page: RunPage }) {
  const failed = run.state === 'FAILED';
  const why = events.findLast(({ kind }) => kind === 'failed' || kind === 'workers_missing');
  return (
    <>
      <Card>
        <Empty icon={failed ? 'bad' : 'stop'} title={failed ? 'It could not be made' : 'It ended before anything was measured'}
          actions={<LinkButton to="/scenarios/$id" params={{ id: run.scenarioId }}>To the scenario</LinkButton>}>
          {why && <p><Words>{sentence(why.text)}</Words></p>}
          <p>{failed ? 'The warnings and the timeline below say what happened. Mend that, and run the scenario again.' : 'Nothing was sent to the target, so there are no figures.'}</p>
        </Empty>
      </Card>
      <Warnings run={run} />
      {events.length > 0 && <Timeline events={events} />}
    </>
  );
}
