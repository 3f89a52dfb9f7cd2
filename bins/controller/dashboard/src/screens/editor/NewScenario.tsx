// Makes a scenario: from nothing, from a curl line, or as a copy of another one; keeps it, and starts it.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import * as commands from '../../api/commands';
import * as queries from '../../api/queries';
import { Failed, Loading, Page, tell } from '../../ui';
import { fromCurl } from './curl';
import { text, type Doc } from './document';
import { Editor, type Action } from './Editor';
import { copyOf, fresh, withCurl } from './fresh';
import { forgetDraft, useDraft } from './use-draft';

const route = getRouteApi('/scenarios/new');
const CRUMBS = [{ label: 'Scenarios', link: { to: '/scenarios' as const } }];

export default function NewScenario() {
  const { from, curl } = route.useSearch();
  const source = useQuery({ ...queries.scenario(from ?? ''), enabled: from !== undefined });
  const begin = useMemo(() => (from === undefined ? begun(curl) : source.data ? { document: copyOf(source.data.scenario as unknown as Doc), notes: [] } : null), [from, curl, source.data]);
  if (begin) return <Making key={`${from ?? ''} ${curl ?? ''}`} draftKey={`new ${from ?? ''} ${curl ?? ''}`} begin={begin} of={from === undefined ? null : (source.data?.scenario.name ?? null)} />;
  return <Page title="New test" crumbs={CRUMBS}>{source.error ? <Failed error={source.error} what="The scenario" onRetry={() => void source.refetch()} /> : <Loading rows={8} label="Loading the scenario" />}</Page>;
}

/** What a line in the address says; where nothing can be made of it, that is told. */
function begun(curl: string | undefined): { document: Doc; notes: string[] } {
  if (curl === undefined) return { document: fresh(), notes: [] };
  try {
    const { document, notes } = fromCurl(curl);
    return { document: withCurl(fresh(), document), notes };
  } catch (error) {
    return { document: fresh(), notes: [error instanceof Error ? error.message : String(error)] };
  }
}

function Making({ draftKey, begin, of }: { draftKey: string; begin: { document: Doc; notes: string[] }; of: string | null }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const draft = useDraft(draftKey, begin.document);
  const make = async (document: Doc, starts: boolean) => {
    const { autoStart: _, ...rest } = document;
    const made = await commands.createScenario(starts ? rest : { ...rest, autoStart: false });
    forgetDraft(draftKey);
    void client.invalidateQueries({ queryKey: ['scenarios'] });
    void client.invalidateQueries({ queryKey: ['runs'] });
    if (made.runId) return navigate({ to: '/runs/$id', params: { id: made.runId } });
    tell('It is kept, and starts when you say so');
    return navigate({ to: '/scenarios/$id', params: { id: made.id } });
  };
  const actions: Action[] = [
    { label: 'Save without starting', run: (document) => make(document, false) },
    { label: 'Start', kind: 'primary', icon: 'play', run: (document) => make(document, true) },
  ];
  const name = draft.read.document ? text(draft.read.document.name) : '';
  return <Editor draft={draft} title="New test" crumbs={CRUMBS} says={of ? `A copy of “${of}”` : name ? name : 'Where to, how much, how long: that is all it needs.'} actions={actions} isStored={false} notes={begin.notes} />;
}
