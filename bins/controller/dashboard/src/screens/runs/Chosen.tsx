// Offers what can be done with the runs that were chosen: compare them, delete them.
import { useQueryClient } from '@tanstack/react-query';
import { ApiError } from '../../api/client';
import { deleteRun } from '../../api/commands';
import { hasEnded, type Run } from '../../api/types';
import { Button, ConfirmButton, format, LinkButton, tell } from '../../ui';
import styles from './Runs.module.css';

/** The oldest is the base, the next the candidate. */
const byAge = (runs: readonly Run[]): string[] => [...runs].sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1)).map(({ id }) => id);

export function Chosen({ runs, mayDelete, onClear }: { runs: readonly Run[]; mayDelete: boolean; onClear: () => void }) {
  const queries = useQueryClient();
  const over = runs.filter(({ state }) => hasEnded(state));
  const measured = runs.filter(({ summary }) => summary !== null);
  const [base, candidate, ...more] = byAge(runs);
  const why = runs.length < 2 ? 'Choose two or more runs' : over.length < runs.length ? 'A run that goes on cannot be compared yet' : measured.length < runs.length ? 'A run of which nothing was measured cannot be compared' : null;
  const remove = async () => {
    let done = 0;
    try {
      for (const { id } of over) {
        // What somebody else has deleted meanwhile is gone as well.
        await deleteRun(id).catch((error: unknown) => { if (!(error instanceof ApiError && error.status === 404)) throw error; });
        done += 1;
      }
      tell(done === 1 ? 'The run is deleted' : `${format.count(done)} runs are deleted`);
      onClear();
    } finally {
      if (done > 0) await queries.invalidateQueries({ queryKey: ['runs'] });
    }
  };
  return (
    <div className={styles.chosen} role="region" aria-label="Chosen runs">
      <strong>{format.count(runs.length)} chosen</strong>
      {why ? <Button kind="primary" icon="compare" disabled title={why}>Compare</Button> : <LinkButton kind="primary" icon="compare" to="/compare" search={{ base, candidate, more: more.length > 0 ? more.join(',') : undefined }}>Compare</LinkButton>}
      {mayDelete && (
        <ConfirmButton label="Delete" icon="trash" disabled={over.length === 0} title={over.length === 1 ? 'Delete the run?' : `Delete ${format.count(over.length)} runs?`} sure="Delete" onSure={remove}
          says={<>{over.length === 1 ? 'Its figures are' : 'Their figures are'} gone for good; {over.length === 1 ? 'its scenario stays' : 'their scenarios stay'}.{over.length < runs.length && ` ${format.count(runs.length - over.length)} that still go on stay too.`}</>} />
      )}
      <Button kind="quiet" onClick={onClear}>Clear</Button>
      {why && <span className={styles.why}>{why}.</span>}
    </div>
  );
}
