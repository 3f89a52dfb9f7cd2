// Offers what can be done with a scenario: start, edit, duplicate, look for its capacity, delete.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { deleteScenario, startScenario } from '../../api/commands';
import { me } from '../../api/queries';
import type { ScenarioView } from '../../api/types';
import { Button, Confirm, Menu, tell, type Choice } from '../../ui';

/** Whether who asks may change anything; until that is known they may. */
export const useMayRun = (): boolean => useQuery(me).data?.run ?? true;

export function StartButton({ id, name, small = false }: { id: string; name: string; small?: boolean }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const start = useMutation({
    mutationFn: () => startScenario(id),
    onSuccess: ({ runId }) => {
      void queries.invalidateQueries({ queryKey: ['runs'] });
      void queries.invalidateQueries({ queryKey: ['scenarios'] });
      void queries.invalidateQueries({ queryKey: ['scenario', id] });
      if (runId) void navigate({ to: '/runs/$id', params: { id: runId } });
    },
  });
  return <Button kind={small ? 'plain' : 'primary'} small={small} icon="play" busy={start.isPending} title={`Start ${name}`} onClick={() => start.mutate()}>Start</Button>;
}

export function ScenarioMenu({ scenario: { id, scenario, state }, small = false, edit = false, onDeleted }: { scenario: ScenarioView; small?: boolean; edit?: boolean; onDeleted?: () => void }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const mayRun = useMayRun();
  const [asks, setAsks] = useState(false);
  const remove = async () => {
    await deleteScenario(id);
    tell('The scenario is deleted');
    onDeleted?.();
    await queries.invalidateQueries({ queryKey: ['scenarios'] });
  };
  const choices: Choice[] = [
    ...(edit ? [{ label: 'Edit', disabled: !mayRun, onChoose: () => void navigate({ to: '/scenarios/$id/edit', params: { id } }) }] : []),
    { label: 'Duplicate', says: 'Opens a copy to change', disabled: !mayRun, onChoose: () => void navigate({ to: '/scenarios/new', search: { from: id } }) },
    { label: 'Find capacity', says: 'The highest rate that it takes well', disabled: !mayRun, onChoose: () => void navigate({ to: '/capacity', search: { scenario: id } }) },
    { label: 'Delete', danger: true, disabled: !mayRun, onChoose: () => setAsks(true) },
  ];
  return (
    <>
      <Menu label={`More for ${scenario.name}`} icon="more" small={small} kind={small ? 'quiet' : 'plain'} choices={choices} />
      <Confirm open={asks} onClose={() => setAsks(false)} title="Delete the scenario?" sure="Delete" onSure={remove}
        says={<>“{scenario.name}” is gone for good; its runs stay.{state && ['RUNNING', 'PAUSED', 'QUEUED', 'STARTING', 'PREPARING', 'STOPPING'].includes(state) ? ' A run of it goes on: stop that first.' : ''}</>} />
    </>
  );
}
