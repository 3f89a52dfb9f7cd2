// Says in one line what a run is, and in a few signs how it is.
import { Link } from '@tanstack/react-router';
import { validityOf, slaOf } from '../../api/result';
import type { Run } from '../../api/types';
import { loadInWords, tagsOf } from '../../api/words';
import { Chip, format, SlaChip, StateChip, VerdictChip } from '../../ui';
import styles from './Run.module.css';
import type { RunPage } from './use-run';

export function Signs({ page: { run, totals } }: { page: RunPage }) {
  const sla = totals ? slaOf(totals) : [];
  const violated = sla.filter(({ passed }) => !passed).length;
  return (
    <>
      <StateChip state={run.state} />
      {totals && <VerdictChip verdict={validityOf(totals)?.verdict} />}
      {sla.length > 0 && <SlaChip passed={violated === 0} violated={violated} />}
      {totals?.complete === false && <Chip tone="bad" icon="warning" title="Of some requests nobody knows what became of them">Incomplete</Chip>}
    </>
  );
}

export function Facts({ run }: { run: Run }) {
  const { scenario, scenarioId, startedAt, createdAt } = run;
  const workers = scenario.numWorkers ?? 1;
  const request = `${scenario.method && scenario.method !== 'GET' ? `${scenario.method} ` : ''}${scenario.targetUrl}`;
  return (
    <div className={styles.facts}>
      {/* Who gives no name has the address in the title already. */}
      {request !== scenario.name && <span className="cut mono" title={scenario.targetUrl}>{request}</span>}
      <span>{loadInWords(scenario)}</span>
      <span>{workers === 1 ? '1 worker' : `${format.count(workers)} workers`}</span>
      <span title={startedAt ?? createdAt}>{startedAt ? `Started ${format.date(startedAt)}` : `Asked for ${format.date(createdAt)}`}</span>
      <Link to="/scenarios/$id" params={{ id: scenarioId }}>Scenario</Link>
      {tagsOf(scenario).map((tag) => <Chip key={tag} title={tag}>{tag}</Chip>)}
    </div>
  );
}
