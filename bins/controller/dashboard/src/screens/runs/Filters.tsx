// Turns what somebody looks for among the runs into the address of the page, which can be shared and gone back to.
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { RunFilter } from '../../api/queries';
import { readOrder, writeOrder, type Order } from '../../api/run-list';
import type { Verdict } from '../../api/types';
import { Button, SearchField, Select } from '../../ui';
import styles from './Runs.module.css';

const GOING_ON = 'QUEUED,PREPARING,STARTING,RUNNING,PAUSED,STOPPING';
const STATES = [['', 'Any state'], [GOING_ON, 'Going on'], ['COMPLETED', 'Completed'], ['ABORTED', 'Aborted'], ['FAILED', 'Failed']] as const;
const VERDICTS = [['', 'Any verdict'], ['VALID', 'Valid'], ['DEGRADED', 'Degraded'], ['INVALID', 'Invalid']] as const;

/** Where the table has no heads to press. */
const ORDERS = [['', 'Newest first'], ['-p99', 'Highest p99'], ['-errors', 'Most errors'], ['-rate', 'Highest rate'], ['-sla', 'SLA violated'], ['name', 'By name']] as const;

type Named = 'q' | 'state' | 'tag' | 'verdict' | 'sort';

/** What is looked for, and in which order, as the address says it. */
export function useLookedFor() {
  const search = useSearch({ strict: false }) as { [name in Named]?: string };
  const navigate = useNavigate();
  const { q, state, tag, verdict, sort } = search;
  const filter = useMemo<RunFilter>(() => ({ q, state, tag, verdict: verdict as Verdict | undefined }), [q, state, tag, verdict]);
  const order = useMemo(() => readOrder(sort), [sort]);
  const change = (to: { [name in Named]?: string }) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...to }), replace: true, resetScroll: false });
  return {
    filter,
    order,
    any: [q, state, tag, verdict].some((value) => value !== undefined),
    look: (name: Named, value: string) => change({ [name]: value || undefined }),
    clear: () => change({ q: undefined, state: undefined, tag: undefined, verdict: undefined }),
    arrange: (to: Order) => change({ sort: writeOrder(to) }),
  };
}

export function Filters({ tags, looked: { filter, order, any, look, clear } }: { tags: string[]; looked: ReturnType<typeof useLookedFor> }) {
  // Whatever the address says is a choice, also where nothing loaded has it.
  const choices = filter.tag && !tags.includes(filter.tag) ? [filter.tag, ...tags] : tags;
  const states = filter.state && !STATES.some(([value]) => value === filter.state) ? [...STATES, [filter.state, filter.state] as const] : STATES;
  return (
    <div className={styles.filters} role="search">
      <SearchField label="Search names and targets" value={filter.q ?? ''} onSearch={(text) => look('q', text)} />
      <div className={styles.selects}>
        <Select label="State" quiet options={states} value={filter.state ?? ''} onChange={(event) => look('state', event.target.value)} />
        <Select label="Verdict" quiet options={VERDICTS} value={filter.verdict ?? ''} onChange={(event) => look('verdict', event.target.value)} />
        {choices.length > 0 && <Select label="Tag" quiet options={[['', 'Any tag'], ...choices.map((tag) => [tag, tag.length > 32 ? `${tag.slice(0, 32)}…` : tag] as const)]} value={filter.tag ?? ''} onChange={(event) => look('tag', event.target.value)} />}
        <span className={styles.narrow}><Select label="Order" quiet options={ORDERS} value={order ? writeOrder(order) : ''} onChange={(event) => look('sort', event.target.value)} /></span>
      </div>
      {any && <Button kind="quiet" onClick={clear}>Clear</Button>}
    </div>
  );
}
