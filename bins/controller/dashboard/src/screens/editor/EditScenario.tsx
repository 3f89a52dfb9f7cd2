// Changes a scenario that is kept; asks where somebody else has changed it meanwhile.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { ApiError } from '../../api/client';
import * as commands from '../../api/commands';
import * as queries from '../../api/queries';
import type { ScenarioView } from '../../api/types';
import { Button, Chip, Dialog, Failed, LinkButton, Loading, Notice, Page, StateChip, tell, tellError } from '../../ui';
import type { Doc } from './document';
import { Editor, type Action } from './Editor';
import { useDraft } from './use-draft';

const route = getRouteApi('/scenarios/$id/edit');
const CRUMBS = [{ label: 'Scenarios', link: { to: '/scenarios' as const } }];

export default function EditScenario() {
  const { id } = route.useParams();
  // What somebody types must not change under their hands.
  const kept = useQuery({ ...queries.scenario(id), staleTime: Infinity, refetchOnMount: 'always', refetchOnWindowFocus: false, refetchOnReconnect: false });
  const [first, setFirst] = useState<ScenarioView | null>(null);
  if (first?.id !== id && kept.data && !kept.isFetching) setFirst(kept.data);
  if (first?.id === id) return <Changing key={id} kept={first} />;
  return <Page title="Scenario" crumbs={CRUMBS}>{kept.error ? <Failed error={kept.error} what="The scenario" onRetry={() => void kept.refetch()} /> : <Loading rows={8} label="Loading the scenario" />}</Page>;
}

function Changing({ kept }: { kept: ScenarioView }) {
  const id = kept.id;
  const navigate = useNavigate();
  const client = useQueryClient();
  const draft = useDraft(id, kept.scenario as unknown as Doc, kept.revision);
  const [conflict, setConflict] = useState<{ document: Doc; starts: boolean } | null>(null);

  const took = (view: ScenarioView) => {
    draft.settle(view.scenario as unknown as Doc, view.revision);
    client.setQueryData(queries.scenario(id).queryKey, view);
    void client.invalidateQueries({ queryKey: ['scenarios'] });
  };
  const start = async () => {
    const { runId } = await commands.startScenario(id);
    void client.invalidateQueries({ queryKey: ['runs'] });
    if (runId) await navigate({ to: '/runs/$id', params: { id: runId } });
  };
  const save = async (document: Doc, starts: boolean, over = draft.revision) => {
    try {
      if (draft.isChanged) took(await commands.changeScenario(id, document, over));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 412) throw error;
      setConflict({ document, starts });
      return;
    }
    if (starts) await start();
    else tell('The changes are saved');
  };
  const newest = () => client.fetchQuery({ ...queries.scenario(id), staleTime: 0 });
  const settle = async (how: 'reload' | 'overwrite') => {
    try {
      const view = await newest();
      const mine = conflict!;
      setConflict(null);
      if (how === 'reload') took(view);
      else await save(mine.document, mine.starts, view.revision);
    } catch (error) {
      tellError(error);
    }
  };

  const actions: Action[] = [
    { label: 'Save changes', icon: 'good', needsChange: true, run: (document) => save(document, false) },
    { label: draft.isChanged ? 'Save and start' : 'Start', kind: 'primary', icon: 'play', run: (document) => save(document, true) },
  ];
  const links = (
    <>
      <LinkButton to="/scenarios/$id" params={{ id }} icon="clock">History</LinkButton>
      <LinkButton to="/scenarios/new" search={{ from: id }} icon="copy">Duplicate</LinkButton>
    </>
  );
  return (
    <>
      <Editor draft={draft} title={kept.scenario.name} crumbs={CRUMBS} says={`Revision ${draft.revision}. A run that goes on keeps the scenario that it was started with.`} beside={<>{kept.state && <StateChip state={kept.state} />}{draft.isChanged && <Chip tone="warning" icon="edit">Not saved</Chip>}</>} actions={actions} links={links} isStored />
      <Dialog title="Somebody has changed this scenario" open={conflict !== null} onClose={() => setConflict(null)} actions={<><Button onClick={() => setConflict(null)}>Go on editing</Button><Button onClick={() => void settle('reload')}>Take theirs</Button><Button kind="danger" onClick={() => void settle('overwrite')}>Overwrite with mine</Button></>}>
        <p>It was saved by somebody else since you opened it. Nothing of yours is saved yet.</p>
        <Notice tone="warning">“Take theirs” drops your changes, “Overwrite with mine” drops theirs.</Notice>
      </Dialog>
    </>
  );
}
