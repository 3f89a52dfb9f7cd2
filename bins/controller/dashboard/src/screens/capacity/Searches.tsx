// Lists searches for a capacity, and starts another.
import { useInfiniteQuery, type UseInfiniteQueryResult } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { ApiError } from '../../api/client';
import { searches } from '../../api/queries';
import type { SearchRow } from '../../api/types';
import { Button, Card, Cell, coverStyle, Empty, Failed, format, Head, Loading, Notice, Page, rowStyle, StateChip, Table } from '../../ui';
import { NewSearch } from './NewSearch';
import { intervalWords, limitWords } from './words';

export default function Searches() {
  const { scenario } = useSearch({ from: '/capacity' });
  const [isNew, setNew] = useState(scenario !== undefined);
  const found = useInfiniteQuery(searches);
  const items = found.data?.pages.flatMap((page) => page.items) ?? [];
  const first = found.isSuccess && items.length === 0;
  const form = isNew || first;
  return (
    <Page title="Capacity" says="How much a target takes: a search offers one rate after the other, and closes in on the highest at which an objective holds." actions={form ? null : <Button kind="primary" icon="plus" onClick={() => setNew(true)}>New search</Button>}>
      {form && <Card title={first ? 'Make a first search' : 'New search'} says="It takes some minutes, and ends by itself once it is sure."><NewSearch key={scenario} scenarioId={scenario} onCancel={first ? undefined : () => setNew(false)} /></Card>}
      {!first && <Card flush={items.length > 0}><Listed found={found} items={items} /></Card>}
    </Page>
  );
}

function Listed({ found, items }: { found: UseInfiniteQueryResult; items: SearchRow[] }) {
  if (items.length > 0) {
    return (
      <>
        <Table label="Searches" head={<><Head>Name</Head><Head>Objective</Head><Head right>Capacity</Head><Head right>Interval</Head><Head>Limited by</Head><Head>State</Head><Head right>Started</Head></>}>
          {items.map((item) => <Row key={item.id} item={item} />)}
        </Table>
        {found.hasNextPage && <Button kind="quiet" busy={found.isFetchingNextPage} onClick={() => found.fetchNextPage()}>More searches</Button>}
      </>
    );
  }
  if (found.isPending) return <Loading rows={6} />;
  // Before this list there was the call to start one, so that what a path lacks is the method.
  if (found.error instanceof ApiError && [404, 405].includes(found.error.status)) return <Notice>This controller does not list its searches: it is of an older version. Those that are started here are shown by their address.</Notice>;
  return found.error ? <Failed error={found.error} what="The searches" onRetry={() => found.refetch()} /> : <Empty icon="gauge" title="No searches yet" />;
}

function Row({ item: { id, name, slo, capacityRps, interval, limitedBy, state, createdAt } }: { item: SearchRow }) {
  return (
    <tr className={rowStyle}>
      <Cell title={name ?? id}><Link to="/capacity/$id" params={{ id }} className={`${coverStyle} cut`}>{name ?? id}</Link></Cell>
      <Cell mono title={slo ?? undefined}>{slo ?? format.NOTHING}</Cell>
      <Cell right>{format.rate(capacityRps)}</Cell>
      <Cell right>{intervalWords(interval)}</Cell>
      <Cell>{limitWords(limitedBy)}</Cell>
      <Cell><StateChip state={state} /></Cell>
      <Cell right title={format.date(createdAt)}>{format.ago(createdAt)}</Cell>
    </tr>
  );
}
