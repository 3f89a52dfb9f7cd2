// Shows how the runs of a scenario have gone: the trend of what matters, each run in a row, and the good one that others are compared with.
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { memo, useMemo } from 'react';
import { setBaseline } from '../../api/commands';
import { runs as runsQuery } from '../../api/queries';
import { hasEnded, type Run, type ScenarioView } from '../../api/types';
import { lastedInWords } from '../../api/words';
import { Trend, type TrendPoint } from '../../plots/Trend';
import { Button, Card, Cell, Chip, coverStyle, Empty, Failed, format, Grid, Head, LinkButton, Loading, onTopStyle, rowStyle, Table, tell, Two, VirtualRows } from '../../ui';
import { RunFigureCells, RunFigureHeads } from '../shared/RunFigures';
import { StartButton, useMayRun } from './actions';
import styles from './Scenario.module.css';

export function History({ view }: { view: ScenarioView }) {
  const filter = useMemo(() => ({ scenarioId: view.id }), [view.id]);
  const query = useInfiniteQuery(runsQuery(filter));
  const runs = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data]);
  const mayRun = useMayRun();
  const more = () => {
    if (query.hasNextPage && !query.isFetching && !query.isError) void query.fetchNextPage();
  };
  if (query.isPending) return <Card title="Runs"><Loading rows={5} /></Card>;
  if (query.isError && runs.length === 0) return <Card title="Runs"><Failed error={query.error} what="The history of its runs" onRetry={() => void query.refetch()} /></Card>;
  if (runs.length === 0) {
    return (
      <Card title="Runs">
        <Empty icon="runs" title="It never ran" actions={mayRun && <StartButton id={view.id} name={view.scenario.name} small />}>Here its runs will stand beside each other, with the trend of rate, p99 and errors.</Empty>
      </Card>
    );
  }
  return (
    <>
      <Trends runs={runs} baseline={view.baselineRunId} />
      <Card flush title="Runs" says={view.baselineRunId ? 'Newest first. The baseline is the good run that others are compared with.' : 'Newest first. Name a good one the baseline, to compare the others with it.'}>
        <Rows runs={runs} view={view} mayRun={mayRun} onEnd={more} />
        {query.isFetchNextPageError && <Failed error={query.error} what="More runs" onRetry={() => void query.fetchNextPage()} />}
      </Card>
    </>
  );
}

/** The newest of them; more are too dense to tell apart. */
const MOST = 60;

function Trends({ runs, baseline }: { runs: Run[]; baseline: string | null | undefined }) {
  const navigate = useNavigate();
  const shown = useMemo(() => runs.filter(({ state, summary }) => hasEnded(state) && summary).slice(0, MOST).reverse(), [runs]);
  if (shown.length < 2) return null;
  const failed = (run: Run) => (typeof run.summary?.successRate === 'number' ? 100 - run.summary.successRate : null);
  const common = { runs: shown, baseline, onChoose: (place: number) => void navigate({ to: '/runs/$id', params: { id: shown[place]!.id } }) };
  return (
    <Grid least={300}>
      <OneTrend {...common} title="Rate" of={({ summary }) => summary?.achievedRps ?? null} text={format.rate} tone={1} />
      <OneTrend {...common} title="p99" of={({ summary }) => summary?.p99Ms ?? null} text={format.latency} tone={2} />
      <OneTrend {...common} title="Errors" of={failed} text={(value) => format.percent(value)} tone={3} />
    </Grid>
  );
}

interface One {
  title: string;
  runs: Run[];
  baseline: string | null | undefined;
  of: (run: Run) => number | null;
  text: (value: number) => string;
  tone: 1 | 2 | 3;
  onChoose: (place: number) => void;
}

function OneTrend({ title, runs, baseline, of, text, tone, onChoose }: One) {
  const points = runs.map((run): TrendPoint => {
    const [value, marked] = [of(run), run.id === baseline];
    return { value, marked, label: `${format.date(run.createdAt)}${marked ? ', the baseline' : ''}: ${value === null ? format.NOTHING : text(value)}` };
  });
  const [first, last] = [points[0]!.value, points.at(-1)!.value];
  const words = first !== null && last !== null ? `${text(first)} at first, ${text(last)} now` : '';
  return <Card title={title} says={`Of the last ${runs.length} runs${words ? `: ${words}` : ''}.`}><Trend label={`${title} of the last ${runs.length} runs. ${words}`} points={points} format={text} tone={tone} onChoose={onChoose} /></Card>;
}

function Rows({ runs, view, mayRun, onEnd }: { runs: Run[]; view: ScenarioView; mayRun: boolean; onEnd: () => void }) {
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (runId: string | null) => setBaseline(view.id, runId),
    onSuccess: (after) => {
      queries.setQueryData(['scenario', view.id], after);
      tell(after.baselineRunId ? 'The run is the baseline now' : 'There is no baseline any more');
    },
  });
  const head = (
    <>
      <Head>When</Head>
      <RunFigureHeads />
      <Head width={172} right room="some"><span className="sr-only">Actions</span></Head>
    </>
  );
  return (
    <Table label="Runs of this scenario" head={head} rows={runs.length} dense fixed cards>
      <VirtualRows items={runs} height={46} onEnd={onEnd}>
        {(run, place) => <Row key={run.id} run={run} place={place} baseline={view.baselineRunId} mayRun={mayRun} onBaseline={change.mutate} busy={change.isPending && change.variables === run.id} />}
      </VirtualRows>
    </Table>
  );
}

interface RowProps {
  run: Run;
  place: number;
  baseline: string | null | undefined;
  mayRun: boolean;
  busy: boolean;
  onBaseline: (run: string | null) => void;
}

const Row = memo(function Row({ run, place, baseline, mayRun, busy, onBaseline }: RowProps) {
  const isBaseline = run.id === baseline;
  const measured = hasEnded(run.state) && run.summary !== null;
  return (
    <tr className={`${rowStyle} ${styles.row}`} aria-rowindex={place}>
      <Cell title={format.date(run.createdAt)}>
        <Two below={`${isBaseline ? 'Baseline, ' : ''}${lastedInWords(run)}`}><Link to="/runs/$id" params={{ id: run.id }} className={coverStyle} preload={false}>{format.ago(run.createdAt)}</Link></Two>
      </Cell>
      <RunFigureCells run={run} />
      <Cell right room="some">
        <span className={`${onTopStyle} ${styles.actions}`}>
          {measured && baseline && !isBaseline && <LinkButton kind="quiet" small icon="compare" to="/compare" search={{ base: 'baseline', candidate: run.id }} aria-label="Compare with the baseline" title="Compare with the baseline" />}
          {isBaseline && <Chip tone="info" icon="flag">Baseline</Chip>}
          {mayRun && isBaseline && <Button kind="quiet" small icon="bad" aria-label="No baseline any more" onClick={() => onBaseline(null)} />}
          {mayRun && measured && !isBaseline && <Button kind="quiet" small icon="flag" busy={busy} title="Name this run the baseline" onClick={() => onBaseline(run.id)}>Baseline</Button>}
        </span>
      </Cell>
    </tr>
  );
});
