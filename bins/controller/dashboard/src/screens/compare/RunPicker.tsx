// Lets somebody choose a run from all of them, by a part of its name or target.
import { useInfiniteQuery } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { runs } from '../../api/queries';
import { hasEnded, type Run } from '../../api/types';
import { Button, Dialog, Empty, Failed, format, Input, Loading, StateChip } from '../../ui';
import styles from './compare.module.css';

interface Props {
  title: string;
  open: boolean;
  onClose: () => void;
  onChoose: (id: string) => void;
  /** Runs that are chosen already. */
  not?: readonly string[];
  /** Of this scenario alone. */
  scenarioId?: string;
}

export function RunPicker({ title, open, onClose, onChoose, not = [], scenarioId }: Props) {
  return <Dialog title={title} open={open} onClose={onClose} wide><Choices onChoose={(id) => { onChoose(id); onClose(); }} not={not} scenarioId={scenarioId} /></Dialog>;
}

function Choices({ onChoose, not, scenarioId }: { onChoose: (id: string) => void; not: readonly string[]; scenarioId?: string }) {
  const [text, setText] = useState('');
  const q = useDeferredValue(text.trim());
  const found = useInfiniteQuery({ ...runs({ q: q || undefined, scenarioId }), refetchInterval: false });
  const items = found.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <Input label="Search" quiet placeholder="Name or target URL" type="search" value={text} onChange={(event) => setText(event.target.value)} autoFocus />
      {found.isPending && <Loading rows={5} />}
      {found.error && <Failed error={found.error} what="The runs" onRetry={() => found.refetch()} />}
      {found.isSuccess && items.length === 0 && <Empty icon="runs" title={q ? 'No run is called so' : 'No runs yet'}>{q ? 'Look for a part of the scenario’s name, or of its target URL.' : 'A run is one execution of a scenario: start one, and compare it when it has ended.'}</Empty>}
      {items.length > 0 && (
        <div className={styles.list}>
          {items.map((run) => <Choice key={run.id} run={run} onChoose={onChoose} disabled={not.includes(run.id) || !hasEnded(run.state)} />)}
          {found.hasNextPage && <Button kind="quiet" busy={found.isFetchingNextPage} onClick={() => found.fetchNextPage()}>More runs</Button>}
        </div>
      )}
    </>
  );
}

function Choice({ run, onChoose, disabled }: { run: Run; onChoose: (id: string) => void; disabled: boolean }) {
  const { summary } = run;
  const figures = summary ? [format.rate(summary.achievedRps), `p99 ${format.latency(summary.p99Ms)}`, `${format.errorRate(summary.successRate)} errors`] : [];
  return (
    <button type="button" className={styles.choice} disabled={disabled} onClick={() => onChoose(run.id)} title={hasEnded(run.state) ? undefined : 'It can be compared when it has ended'}>
      <b className="cut" title={run.scenario.name}>{run.scenario.name}</b>
      <StateChip state={run.state} />
      <small className="cut">{[format.date(run.startedAt ?? run.createdAt), ...figures].join(' · ')}</small>
    </button>
  );
}
