// Steers a run that goes on: stop, pause, resume, another rate. Of one that has ended it offers what comes next.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { pause, resume, stop } from '../../api/commands';
import { me } from '../../api/queries';
import { Button, Dialog, tell, useKey } from '../../ui';
import { RateDialog } from './RateDialog';
import { ResultActions } from './ResultActions';
import { keepAnswer, type RunPage } from './use-run';

export function Actions({ page }: { page: RunPage }) {
  return page.ended ? <ResultActions page={page} /> : <Controls page={page} />;
}

/** Whoever may only look is told so, and is offered nothing that would be refused. */
export function useMaySteer(): boolean {
  const { data } = useQuery({ ...me, retry: false });
  return data?.run !== false;
}

type Asked = 'stop' | 'rate' | null;

function Controls({ page: { run, planned, data, isBefore } }: { page: RunPage }) {
  const queries = useQueryClient();
  const may = useMaySteer();
  const [asked, setAsked] = useState<Asked>(null);
  const keep = { onSuccess: (answer: Parameters<typeof keepAnswer>[1]) => keepAnswer(queries, answer) };
  const [pausing, resuming] = [useMutation({ mutationFn: () => pause(run.id), ...keep }), useMutation({ mutationFn: () => resume(run.id), ...keep })];
  const isPaused = run.state === 'PAUSED';
  const [canPause, canStop] = [may && (run.state === 'RUNNING' || isPaused), may && run.state !== 'STOPPING'];
  const canChange = may && (run.state === 'RUNNING' || isPaused) && run.scenario.loadProfile !== undefined && run.scenario.loadProfile !== null;
  const turn = () => canPause && !pausing.isPending && !resuming.isPending && (isPaused ? resuming : pausing).mutate();
  useKey('p', 'Pause the run, or resume it', turn);
  useKey('r', 'Change the rate', () => canChange && setAsked('rate'));
  useKey('s', 'Stop the run', () => canStop && setAsked('stop'));
  const only = may ? undefined : 'You may look at runs, and not steer them';
  return (
    <>
      {!isBefore && <Button icon="gauge" disabled={!canChange} title={only ?? 'Key r'} onClick={() => setAsked('rate')}>Change rate</Button>}
      {!isBefore && <Button icon={isPaused ? 'play' : 'pause'} disabled={!canPause} title={only ?? 'Key p'} busy={pausing.isPending || resuming.isPending} onClick={turn}>{isPaused ? 'Resume' : 'Pause'}</Button>}
      <Button kind="danger" icon="stop" disabled={!canStop} title={only ?? 'Key s'} onClick={() => setAsked('stop')}>{run.state === 'STOPPING' ? 'Stopping' : 'Stop'}</Button>
      <StopDialog id={run.id} open={asked === 'stop'} onClose={() => setAsked(null)} />
      {asked === 'rate' && <RateDialog id={run.id} now={rateNow(data, planned)} onClose={() => setAsked(null)} />}
    </>
  );
}

/** What is planned just now; where nothing is, what fell due in the newest second. */
function rateNow(data: RunPage['data'], planned: RunPage['planned']): number | null {
  const now = planned.at(data.length > 0 ? data.rows.lastSecond + data.rowSeconds : 0);
  const due = data.offeredRps[data.length - 1];
  const rate = Number.isFinite(now) ? now : due;
  return rate !== undefined && Number.isFinite(rate) ? Math.round(rate * 10) / 10 : null;
}

function StopDialog({ id, open, onClose }: { id: string; open: boolean; onClose: () => void }) {
  const queries = useQueryClient();
  const stopping = useMutation({
    mutationFn: () => stop(id),
    onSuccess: (answer) => {
      keepAnswer(queries, answer);
      tell('The run stops; its result is kept.');
      onClose();
    },
  });
  return (
    <Dialog title="Stop the run?" open={open} onClose={onClose}
      actions={<><Button onClick={onClose}>Go on</Button><Button kind="danger" icon="stop" busy={stopping.isPending} onClick={() => stopping.mutate()}>Stop</Button></>}>
      <p>No more requests are made; what is under way is awaited for some seconds. What was measured up to here is its result. It cannot be started again from here, only anew.</p>
    </Dialog>
  );
}
