// Turns what a screen wants to know into queries: which call, how long it is fresh, how often it is asked again.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { parseLines } from './audit';
import { call, text } from './client';
import { validate } from './commands';
import { hasEnded } from './types';
import type {
  About, Comparison, Domain, Finding, Halt, List, Me, Quota, Realtime, Run, RunState, Scenario, ScenarioView, Search, SearchRow, Secret, SlaOutcome, TimelineEvent, Token, Totals, Verdict, Worker,
} from './types';

/** Which runs; what is not given does not matter. */
export interface RunFilter {
  scenarioId?: string;
  state?: string;
  tag?: string;
  verdict?: Verdict;
  q?: string;
}

const PAGE = 100;
const SECOND = 1000;
const again = (state: RunState | undefined, every: number): number | false => (state && hasEnded(state) ? false : every);

// The session waits for it too: it goes on where the screen that asked is left.
export const about = queryOptions({ queryKey: ['about'], queryFn: () => call<About>('/about', { token: null }), staleTime: 60 * SECOND });

export const me = queryOptions({ queryKey: ['me'], queryFn: ({ signal }) => call<Me>('/me', { signal }), staleTime: 60 * SECOND });

export const halt = queryOptions({ queryKey: ['halt'], queryFn: ({ signal }) => call<Halt>('/halt', { signal }), refetchInterval: 10 * SECOND });

export const runs = (filter: RunFilter = {}) =>
  infiniteQueryOptions({
    queryKey: ['runs', filter],
    queryFn: ({ pageParam, signal }) => call<List<Run>>('/runs', { query: { ...filter, limit: PAGE, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    placeholderData: keepPreviousData,
    // Pages that were loaded are asked for again together: the more there are the more rarely, and many not by themselves.
    refetchInterval: ({ state }) => {
      const pages = state.data?.pages.length ?? 0;
      return pages > 10 ? false : pages > 2 ? 15 * SECOND : 3 * SECOND;
    },
  });

/** The runs that go on now. */
export const running = queryOptions({
  queryKey: ['runs', 'running'],
  queryFn: ({ signal }) => call<List<Run>>('/runs', { query: { state: 'QUEUED,PREPARING,STARTING,RUNNING,PAUSED,STOPPING', limit: 50 }, signal }),
  refetchInterval: 2 * SECOND,
});

/** The newest seconds of a run that goes on. Before anything was measured there are none, which is no fault. */
export const realtime = (id: string, live = true) =>
  queryOptions({
    queryKey: ['realtime', id],
    queryFn: ({ signal }) => call<Realtime>(`/runs/${id}/stats/realtime`, { signal, query: { lastNSeconds: 10 } }),
    refetchInterval: live ? 2 * SECOND : false,
    retry: false,
  });

/** A run with its whole result, its series without distributions left out. */
export const run = (id: string) =>
  queryOptions({
    queryKey: ['run', id],
    queryFn: ({ signal }) => call<Run>(`/runs/${id}`, { signal }),
    staleTime: ({ state }) => (state.data && hasEnded(state.data.state) ? Infinity : 0),
    refetchInterval: ({ state }) => again(state.data?.state, 5 * SECOND),
  });

/** What a run comes to by now: the result without its series. */
export const totals = (id: string, live: boolean) =>
  queryOptions({
    queryKey: ['totals', id],
    queryFn: ({ signal }) => call<Totals>(`/runs/${id}/stats/total`, { signal }),
    refetchInterval: live ? 3 * SECOND : false,
  });

export const timeline = (id: string, live: boolean) =>
  queryOptions({
    queryKey: ['timeline', id],
    queryFn: ({ signal }) => call<List<TimelineEvent>>(`/runs/${id}/timeline`, { signal }),
    refetchInterval: live ? 5 * SECOND : false,
  });

export const sla = (id: string) => queryOptions({ queryKey: ['sla', id], queryFn: ({ signal }) => call<List<SlaOutcome>>(`/runs/${id}/sla`, { signal }) });

export const findings = (id: string) => queryOptions({ queryKey: ['findings', id], queryFn: ({ signal }) => call<List<Finding>>(`/runs/${id}/bottlenecks`, { signal }) });

export const scenarios = (tag?: string) =>
  infiniteQueryOptions({
    queryKey: ['scenarios', tag ?? null],
    queryFn: ({ pageParam, signal }) => call<List<ScenarioView>>('/scenarios', { query: { tag, limit: PAGE, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    placeholderData: keepPreviousData,
    refetchInterval: 10 * SECOND,
  });

export const scenario = (id: string) => queryOptions({ queryKey: ['scenario', id], queryFn: ({ signal }) => call<ScenarioView>(`/scenarios/${id}`, { signal }) });

/** The planned rate over time. Only what makes the load is asked for: secrets of the rest are not known here. */
export const plan = ({ name, targetUrl, durationSeconds, maxRequests, loadProfile, numWorkers, connections }: Scenario) => {
  const document = { name, targetUrl, durationSeconds, maxRequests, loadProfile, numWorkers, connections };
  return queryOptions({
    queryKey: ['plan', document],
    queryFn: ({ signal }) => validate(document, signal),
    staleTime: Infinity,
  });
};

/** `base` is a run's id or `baseline`. */
export const comparison = (base: string, candidate: string) =>
  queryOptions({
    queryKey: ['comparison', base, candidate],
    queryFn: ({ signal }) => call<Comparison>('/comparisons', { query: { base, candidate }, signal }),
    staleTime: 5 * 60 * SECOND,
  });

export const workers = queryOptions({ queryKey: ['workers'], queryFn: ({ signal }) => call<List<Worker>>('/workers', { signal }), refetchInterval: 2 * SECOND });

export const searches = infiniteQueryOptions({
  queryKey: ['searches'],
  queryFn: ({ pageParam, signal }) => call<List<SearchRow>>('/capacity-searches', { query: { limit: PAGE, cursor: pageParam }, signal }),
  initialPageParam: null as string | null,
  getNextPageParam: (last) => last.nextCursor,
  refetchInterval: 5 * SECOND,
});

export const search = (id: string) =>
  queryOptions({
    queryKey: ['search', id],
    queryFn: ({ signal }) => call<Search>(`/capacity-searches/${id}`, { signal }),
    refetchInterval: ({ state }) => again(state.data?.state, 2 * SECOND),
  });

export const tokens = queryOptions({ queryKey: ['tokens'], queryFn: ({ signal }) => call<List<Token>>('/tokens', { signal }) });
export const secrets = queryOptions({ queryKey: ['secrets'], queryFn: ({ signal }) => call<List<Secret>>('/secrets', { signal }) });
export const quotas = queryOptions({ queryKey: ['quotas'], queryFn: ({ signal }) => call<Quota>('/quotas', { signal }), refetchInterval: 10 * SECOND });
export const domains = queryOptions({ queryKey: ['domains'], queryFn: ({ signal }) => call<List<Domain>>('/domains', { signal }) });

/** Page by page: each goes on after the last line of the one before, and a page that is not full is the last. */
export const audit = infiniteQueryOptions({
  queryKey: ['audit'],
  queryFn: async ({ pageParam, signal }) => parseLines(await text('/audit', { query: { limit: PAGE, cursor: pageParam }, signal })),
  initialPageParam: null as string | null,
  getNextPageParam: (last) => (last.length < PAGE ? null : (last.at(-1)?.id ?? null)),
});
