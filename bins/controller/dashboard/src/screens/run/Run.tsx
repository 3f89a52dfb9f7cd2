// Shows one run: live while it goes on, and its result once it has ended, on the same page.
import { useParams } from '@tanstack/react-router';
import { ApiError } from '../../api/client';
import { Card, Empty, Failed, LinkButton, Loading, Page, type Crumb } from '../../ui';
import { Before, NoResult } from './Before';
import { Body } from './Body';
import { Actions } from './Controls';
import { Facts, Signs } from './Header';
import { useRun } from './use-run';

const WAY_BACK: Crumb[] = [{ label: 'Runs', link: { to: '/runs' } }];

export default function Run() {
  const { id } = useParams({ from: '/runs/$id' });
  return <RunPage key={id} id={id} />;
}

function RunPage({ id }: { id: string }) {
  const { page, error, retry } = useRun(id);
  if (error) return <Page title="Run" crumbs={WAY_BACK}><Card><Missing error={error} retry={retry} /></Card></Page>;
  if (!page) return <Page title="Run" crumbs={WAY_BACK}><Card><Loading height={72} /></Card><Card><Loading height={240} /></Card><Card><Loading rows={6} /></Card></Page>;
  const { run, isBefore, ended, data, totals } = page;
  const hasNothing = ended && totals === null && data.length === 0;
  return (
    <Page title={run.scenario.name} crumbs={WAY_BACK} beside={<Signs page={page} />} says={<Facts run={run} />} actions={<Actions page={page} />}>
      {isBefore ? <Before page={page} /> : hasNothing ? <NoResult page={page} /> : <Body page={page} />}
    </Page>
  );
}

function Missing({ error, retry }: { error: unknown; retry: () => void }) {
  if (error instanceof ApiError && error.status === 404) {
    return (
      <Empty icon="runs" title="This run is not there" actions={<LinkButton to="/runs">All runs</LinkButton>}>
        It was deleted, was kept for as long as the controller keeps runs, or belongs to somebody else.
      </Empty>
    );
  }
  return <Failed error={error} onRetry={retry} what="The run" />;
}
