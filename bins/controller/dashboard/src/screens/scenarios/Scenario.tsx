// Shows a scenario: what it does, how its runs have gone, and how it is started from elsewhere.
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { scenario as scenarioQuery } from '../../api/queries';
import type { ScenarioView } from '../../api/types';
import { loadInWords, tagsOf } from '../../api/words';
import { Card, Chip, Failed, format, LinkButton, Loading, Page } from '../../ui';
import { ScenarioMenu, StartButton, useMayRun } from './actions';
import { Does } from './Does';
import { Elsewhere } from './Elsewhere';
import { History } from './History';
import styles from './Scenario.module.css';

const CRUMBS = [{ label: 'Scenarios', link: { to: '/scenarios' as const } }];

export default function Scenario() {
  const { id } = useParams({ from: '/scenarios/$id' });
  const query = useQuery(scenarioQuery(id));
  if (query.data) return <Shown key={id} view={query.data} />;
  return (
    <Page title="Scenario" crumbs={CRUMBS}>
      <Card>{query.isError ? <Failed error={query.error} what="The scenario" onRetry={() => void query.refetch()} /> : <Loading rows={8} />}</Card>
    </Page>
  );
}

function Shown({ view }: { view: ScenarioView }) {
  const navigate = useNavigate();
  const mayRun = useMayRun();
  const { id, scenario, revision, changedAt, createdAt } = view;
  const changed = revision > 0 ? `changed ${format.ago(changedAt)}` : `made ${format.ago(createdAt)}`;
  return (
    <Page
      title={<span title={scenario.name}>{scenario.name}</span>}
      name={scenario.name}
      crumbs={CRUMBS}
      beside={tagsOf(scenario).map((tag) => <Link key={tag} to="/scenarios" search={{ tag }} className={styles.tag}><Chip>{tag}</Chip></Link>)}
      says={<><span className="mono">{scenario.targetUrl}</span><br />{loadInWords(scenario)}; {changed}.</>}
      actions={
        <>
          {mayRun && <StartButton id={id} name={scenario.name} />}
          {mayRun && <LinkButton to="/scenarios/$id/edit" params={{ id }} icon="edit">Edit</LinkButton>}
          <ScenarioMenu scenario={view} onDeleted={() => void navigate({ to: '/scenarios' })} />
        </>
      }
    >
      <Does scenario={scenario} />
      <History view={view} />
      <Elsewhere view={view} />
    </Page>
  );
}
