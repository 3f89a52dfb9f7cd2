// Shows the scenarios that are kept.
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { scenarios } from '../../api/queries';
import { tagsIn } from '../../api/run-list';
import type { ScenarioView } from '../../api/types';
import { loadInWords, tagsOf } from '../../api/words';
import { Button, Card, Cell, Chip, coverStyle, Empty, Failed, format, Head, LinkButton, Loading, onTopStyle, Page, rowStyle, SearchField, Select, StateChip, Table, Two, VirtualRows } from '../../ui';
import { ScenarioMenu, StartButton, useMayRun } from './actions';
import styles from './Scenarios.module.css';

const SAYS = 'A scenario says what to do: the requests, the load over time, and the rules it has to keep. A run is one execution of it.';

export default function Scenarios() {
  const { q = '', tag } = useSearch({ strict: false }) as { q?: string; tag?: string };
  const navigate = useNavigate();
  const query = useInfiniteQuery(scenarios(tag));
  const loaded = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data]);
  const rows = useMemo(() => loaded.filter(fits(q)), [loaded, q]);
  const tags = useMemo(() => tagsIn(loaded.map(({ scenario }) => scenario)), [loaded]);
  const look = (to: { q?: string; tag?: string }) => void navigate({ to: '/scenarios', search: { q: q || undefined, tag, ...to }, replace: true });
  const more = () => {
    if (query.hasNextPage && !query.isFetching && !query.isError) void query.fetchNextPage();
  };
  if (query.isSuccess && loaded.length === 0 && !tag) return <Page title="Scenarios" says={SAYS}><Card><NoScenario /></Card></Page>;
  const choices = tag && !tags.includes(tag) ? [tag, ...tags] : tags;
  return (
    <Page title="Scenarios" says={SAYS}>
      <Card flush>
        <div className={styles.bar}>
          <SearchField label="Search names and targets" value={q} onSearch={(text) => look({ q: text || undefined })} />
          {choices.length > 0 && <Select label="Tag" quiet options={[['', 'Any tag'], ...choices.map((one) => [one, one] as const)]} value={tag ?? ''} onChange={(event) => look({ tag: event.target.value || undefined })} />}
          {query.hasNextPage && <p className={styles.loaded}>{q ? `Searched among the ${format.count(loaded.length)} loaded` : `${format.count(loaded.length)} loaded`}<Button kind="quiet" small busy={query.isFetchingNextPage} onClick={more}>Load more</Button></p>}
        </div>
        {query.isPending ? (
          <Loading rows={6} />
        ) : query.isError && loaded.length === 0 ? (
          <Failed error={query.error} what="The list of scenarios" onRetry={() => void query.refetch()} />
        ) : rows.length === 0 ? (
          <Empty icon="search" title="No scenario fits" actions={<Button onClick={() => look({ q: undefined, tag: undefined })}>Show all scenarios</Button>}>None has what you look for in its name or its target.</Empty>
        ) : (
          <Rows rows={rows} onEnd={more} />
        )}
      </Card>
    </Page>
  );
}

const fits = (text: string) => ({ scenario: { name, targetUrl } }: ScenarioView) => `${name} ${targetUrl}`.toLowerCase().includes(text.toLowerCase());

function NoScenario() {
  return (
    <Empty icon="scenarios" title="No scenario yet" actions={<><LinkButton to="/scenarios/new" kind="primary" icon="plus">Make the first one</LinkButton></>}>
      <p>Say a target and a rate; the rest has defaults. It is kept here, to be started again whenever you like, and each run can be compared with the one before.</p>
    </Empty>
  );
}

const HEAD = (
  <>
    <Head>Scenario</Head>
    <Head width={124}>Newest run</Head>
    <Head width={310} room="some">Load</Head>
    <Head width={74} right room="much" title="Workers that share the load">Workers</Head>
    <Head width={176} room="much">Tags</Head>
    <Head width={112} room="some">Changed</Head>
    <Head width={140} right><span className="sr-only">Actions</span></Head>
  </>
);

function Rows({ rows, onEnd }: { rows: ScenarioView[]; onEnd: () => void }) {
  const mayRun = useMayRun();
  return (
    <Table label="Scenarios" head={HEAD} rows={rows.length} dense fixed cards>
      <VirtualRows items={rows} height={46} onEnd={onEnd}>{(row, place) => <Row key={row.id} row={row} place={place} mayRun={mayRun} />}</VirtualRows>
    </Table>
  );
}

function Row({ row, place, mayRun }: { row: ScenarioView; place: number; mayRun: boolean }) {
  const { id, scenario, runId, state, changedAt } = row;
  const load = loadInWords(scenario);
  return (
    <tr className={`${rowStyle} ${styles.row}`} aria-rowindex={place}>
      <Cell><Two below={<span title={scenario.targetUrl}>{scenario.targetUrl}</span>}><Link to="/scenarios/$id" params={{ id }} className={coverStyle} title={scenario.name} preload={false}>{scenario.name}</Link></Two></Cell>
      <Cell>{runId && state ? <Link to="/runs/$id" params={{ id: runId }} className={onTopStyle} preload={false}><StateChip state={state} /></Link> : <span className="soft">Never run</span>}</Cell>
      <Cell room="some"><div className="cut" title={load}>{load}</div></Cell>
      <Cell right room="much">{scenario.numWorkers ?? 1}</Cell>
      <Cell room="much"><Tags tags={tagsOf(scenario)} /></Cell>
      <Cell room="some" title={format.date(changedAt)}><div className="cut soft">{format.ago(changedAt)}</div></Cell>
      <Cell right label="">
        <span className={`${styles.actions} ${onTopStyle}`}>
          {mayRun && <StartButton id={id} name={scenario.name} small />}
          <ScenarioMenu scenario={row} small edit />
        </span>
      </Cell>
    </tr>
  );
}

/** The first ones, and how many more there are. */
function Tags({ tags }: { tags: string[] }) {
  const [first, second, ...others] = tags;
  if (first === undefined) return null;
  return (
    <span className={styles.tags} title={tags.join(', ')}>
      <Link to="/scenarios" search={{ tag: first }} className={onTopStyle} preload={false}><Chip>{first}</Chip></Link>
      {second !== undefined && <Link to="/scenarios" search={{ tag: second }} className={onTopStyle} preload={false}><Chip>{second}</Chip></Link>}
      {others.length > 0 && <span className="soft">+{others.length}</span>}
    </span>
  );
}
