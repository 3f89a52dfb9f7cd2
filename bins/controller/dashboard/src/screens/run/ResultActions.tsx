// Offers what comes after a run: again, compared, kept as the baseline, downloaded, shared, deleted.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { deleteRun, setBaseline, startScenario } from '../../api/commands';
import { scenario as scenarioOf } from '../../api/queries';
import { Button, Dialog, Menu, tell, useKey, type Choice } from '../../ui';
import { CompareDialog } from './CompareDialog';
import { useMaySteer } from './Controls';
import { downloadChoices } from './downloads';
import styles from './Run.module.css';
import type { RunPage } from './use-run';

export function ResultActions({ page: { run, result } }: { page: RunPage }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const may = useMaySteer();
  const [asked, setAsked] = useState<'compare' | 'delete' | null>(null);
  const { data: scenario } = useQuery({ ...scenarioOf(run.scenarioId), retry: false });
  const isBaseline = scenario?.baselineRunId === run.id;
  const again = useMutation({ mutationFn: () => startScenario(run.scenarioId), onSuccess: ({ runId, id }) => navigate({ to: '/runs/$id', params: { id: runId ?? id } }) });
  const baseline = useMutation({
    mutationFn: () => setBaseline(run.scenarioId, isBaseline ? null : run.id),
    onSuccess: (answer) => {
      queries.setQueryData(scenarioOf(run.scenarioId).queryKey, answer);
      tell(isBaseline ? 'The scenario has no baseline any more.' : 'Later runs can be compared with this one as the baseline.');
    },
  });
  const share = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      tell('The link is copied. Who opens it has to be able to reach this controller, and to sign in where it asks for that.');
    } catch {
      tell('The browser does not let this page copy: copy the address from its bar.', 'bad');
    }
  };
  useKey('c', 'Compare the run', () => result && setAsked('compare'));
  const more: Choice[] = [
    { label: 'Copy link', says: 'To this page', onChoose: () => void share() },
    ...(may && result ? [{ label: isBaseline ? 'Baseline no more' : 'Set as baseline', says: isBaseline ? 'Later runs are not compared with it' : 'The good run that others are compared with', onChoose: () => baseline.mutate() }] : []),
    ...(may ? [{ label: 'Delete', danger: true, onChoose: () => setAsked('delete') }] : []),
  ];
  return (
    <>
      {isBaseline && <span className={styles.note}>Baseline of its scenario</span>}
      {may && <Button kind="primary" icon="play" busy={again.isPending} onClick={() => again.mutate()}>Run again</Button>}
      {result && <Button icon="compare" title="Key c" onClick={() => setAsked('compare')}>Compare</Button>}
      {result && <Menu label="Download" icon="download" choices={downloadChoices(run)}>Download</Menu>}
      <Menu label="More" icon="more" choices={more} />
      {asked === 'compare' && <CompareDialog run={run} baseline={scenario?.baselineRunId ?? null} onClose={() => setAsked(null)} />}
      <DeleteDialog id={run.id} open={asked === 'delete'} onClose={() => setAsked(null)} />
    </>
  );
}

function DeleteDialog({ id, open, onClose }: { id: string; open: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteRun(id),
    onSuccess: async () => {
      await navigate({ to: '/runs' });
      queries.removeQueries({ queryKey: ['run', id] });
      void queries.invalidateQueries({ queryKey: ['runs'] });
      tell('The run is deleted.');
    },
    onError: () => undefined,
  });
  return (
    <Dialog title="Delete the run?" open={open} onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="danger" icon="trash" busy={remove.isPending} onClick={() => remove.mutate()}>Delete</Button></>}>
      <p>Its figures and its timeline are gone for good. The scenario stays.</p>
      {remove.error && <p className={styles.fault} role="alert">{remove.error.message}</p>}
    </Dialog>
  );
}
