// Shows the runs that go on, and all others.
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { about, me, realtime, running, runs as runsQuery } from '../../api/queries';
import { inOrder, rowsOf, tagsIn } from '../../api/run-list';
import type { Run } from '../../api/types';
import { wellness, worst } from '../../api/words';
import { Button, Card, Empty, Failed, format, Loading, Page } from '../../ui';
import { Chosen } from './Chosen';
import { Filters, useLookedFor } from './Filters';
import { FirstSteps } from './FirstSteps';
import { Now } from './Now';
import { RunTable } from './RunTable';
import styles from './Runs.module.css';

const NONE: Run[] = [];

export default function Runs() {
  const { data: now } = useQuery(running);
  const live = now?.items ?? NONE;
  const looked = useLookedFor();
  const list = useRunList(looked.filter, live);
  const rows = useMemo(() => inOrder(list.rows, looked.order), [list.rows, looked.order]);
  const nothing = list.query.isSuccess && list.rows.length === 0 && !list.query.hasNextPage;
  if (nothing && !looked.any && live.length === 0) return <Page title="Runs" says="Here you will see every load test: what it sends, how it is answered, and what limits it."><FirstSteps /></Page>;
  return (
    <Page title="Runs" says={<Standing runs={now?.items} />}>
      <Now runs={live} />
      <List looked={looked} list={list} rows={rows} nothing={nothing} />
    </Page>
  );
}

/** In a sentence: what happens now, and whether it is well. */
function Standing({ runs }: { runs: Run[] | undefined }) {
  const { data: platform } = useQuery(about);
  const queries = useQueryClient();
  if (!runs) return <>&nbsp;</>;
  const judged = worst(runs.map((run) => wellness(run, queries.getQueryData(realtime(run.id).queryKey))));
  const demo = platform?.demo ? ' This is the demo: its built-in target is under load for as long as the controller runs.' : '';
  if (runs.length === 0) return <>Nothing runs now. Below is what ran before.{demo}</>;
  const many = runs.length === 1 ? 'One load test runs now' : `${format.count(runs.length)} load tests run now`;
  const ends = { good: runs.length === 1 ? ', and it is well.' : ', and all are well.', bad: runs.length === 1 ? ', and it is not well.' : ', and not all are well.', warning: runs.length === 1 ? '; look at it.' : '; look at what is marked.', info: '.', neutral: '.' };
  return <>{many}{ends[judged?.tone ?? 'neutral']}{demo}</>;
}

/** All pages that were loaded, in one list. */
function useRunList(filter: ReturnType<typeof useLookedFor>['filter'], live: Run[]) {
  const query = useInfiniteQuery(runsQuery(filter));
  const queries = useQueryClient();
  const [loadsAll, setLoadsAll] = useState(false);
  const { data, hasNextPage, isFetching, isError, fetchNextPage } = query;
  const rows = useMemo(() => rowsOf(data?.pages ?? [], live), [data, live]);
  const more = useCallback(() => {
    if (hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [hasNextPage, isFetching, isError, fetchNextPage]);
  // The controller looks at so many runs for a page that it may be empty, and further ones are not.
  const empty = data?.pages.at(-1)?.items.length === 0;
  useEffect(() => {
    if (loadsAll || empty) more();
    if (loadsAll && (!hasNextPage || isError)) setLoadsAll(false);
  }, [loadsAll, empty, hasNextPage, isError, more]);
  // A run that has begun or ended is listed otherwise.
  const going = live.map(({ id }) => id).join();
  const before = useRef<string>(undefined);
  useEffect(() => {
    if (before.current !== undefined && before.current !== '') void queries.invalidateQueries({ queryKey: ['runs', {}] });
    before.current = going;
  }, [going, queries]);
  return { query, rows, more, loadsAll, loadAll: () => setLoadsAll(true) };
}

interface Listed {
  looked: ReturnType<typeof useLookedFor>;
  list: ReturnType<typeof useRunList>;
  rows: readonly Run[];
  nothing: boolean;
}

function List({ looked, list: { query, rows: loaded, more, loadsAll, loadAll }, rows, nothing }: Listed) {
  const { data: who } = useQuery(me);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const choose = useCallback((id: string) => setChosen((before) => {
    const after = new Set(before);
    if (!after.delete(id)) after.add(id);
    return after;
  }), []);
  const chosenRuns = useMemo(() => loaded.filter(({ id }) => chosen.has(id)), [loaded, chosen]);
  const tags = useMemo(() => tagsIn(loaded.map(({ scenario }) => scenario)), [loaded]);
  return (
    <Card flush className={styles.list}>
      <div className={styles.bar}>
        <Filters tags={tags} looked={looked} />
        <Loaded count={loaded.length} all={!query.hasNextPage} sorted={looked.order !== null} loads={loadsAll} onAll={loadAll} />
      </div>
      {query.isPending ? (
        <Loading rows={8} />
      ) : query.isError && loaded.length === 0 ? (
        <Failed error={query.error} what="The list of runs" onRetry={() => void query.refetch()} />
      ) : nothing ? (
        <Empty icon="search" title="No run fits" actions={<Button onClick={looked.clear}>Show all runs</Button>}>No run has all of what you look for. Look for less, or for something else.</Empty>
      ) : (
        <div className={query.isPlaceholderData ? styles.old : undefined}>
          <RunTable runs={rows} order={looked.order} onOrder={looked.arrange} chosen={chosen} onChoose={choose} onEnd={more} />
          {query.isFetchingNextPage && <Loading rows={2} label="Loading more runs" />}
          {query.isFetchNextPageError && <Failed error={query.error} what="More runs" onRetry={() => void query.fetchNextPage()} />}
        </div>
      )}
      {chosenRuns.length > 0 && <Chosen runs={chosenRuns} mayDelete={who?.run ?? true} onClear={() => setChosen(new Set())} />}
    </Card>
  );
}

/** How many are there; a list that is sorted before all are loaded says so. */
function Loaded({ count, all, sorted, loads, onAll }: { count: number; all: boolean; sorted: boolean; loads: boolean; onAll: () => void }) {
  if (count === 0) return null;
  const many = `${format.count(count)} ${count === 1 ? 'run' : 'runs'}`;
  return (
    <p className={styles.loaded} role="status">
      {all ? many : sorted ? `Sorted among the ${format.count(count)} loaded` : `${many} loaded`}
      {!all && <Button kind="quiet" small busy={loads} onClick={onAll}>Load all</Button>}
    </p>
  );
}
