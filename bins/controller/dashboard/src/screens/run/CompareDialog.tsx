// Asks with which run another one is to be compared: the baseline, or one of the same scenario.
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { runs } from '../../api/queries';
import { hasEnded, type Run } from '../../api/types';
import { Button, Dialog, Empty, Failed, format, Loading, StateChip, VerdictChip } from '../../ui';
import styles from './Run.module.css';

const SHOWN = 20;

export function CompareDialog({ run, baseline, onClose }: { run: Run; baseline: string | null; onClose: () => void }) {
  const navigate = useNavigate();
  const list = useInfiniteQuery({ ...runs({ scenarioId: run.scenarioId }), refetchInterval: false });
  const others = (list.data?.pages.flatMap(({ items }) => items) ?? []).filter(({ id, state }) => id !== run.id && hasEnded(state) && state !== 'FAILED');
  // Its baseline comes first, then the newest.
  const sorted = [...others.filter(({ id }) => id === baseline), ...others.filter(({ id }) => id !== baseline)].slice(0, SHOWN);
  return (
    <Dialog title="Compare with" open onClose={onClose} actions={<Button onClick={onClose}>Cancel</Button>}>
      {list.isPending ? <Loading rows={4} /> : list.error ? <Failed error={list.error} onRetry={() => void list.refetch()} what="The runs" /> : sorted.length === 0 ? (
        <Empty icon="compare" title="No other run to compare with">Run the scenario again: then the two can be compared. Runs of other scenarios are compared from the list of runs.</Empty>
      ) : (
        <ul className={styles.choices}>
          {sorted.map((other) => (
            <li key={other.id}>
              <button type="button" className={styles.choice} onClick={() => void navigate({ to: '/compare', search: { base: other.id, candidate: run.id } })}>
                <span>{format.date(other.startedAt ?? other.createdAt)}{other.id === baseline && <b> · Baseline</b>}</span>
                <span className="soft">{other.summary ? `${format.rate(other.summary.achievedRps)}, p99 ${format.latency(other.summary.p99Ms)}` : ''}</span>
                {other.summary ? <VerdictChip verdict={other.summary.verdict} /> : <StateChip state={other.state} />}
              </button>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
