// Turns a run's id into all that its page shows: what the API says of it, and its columns as they grow.
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { call } from '../../api/client';
import { validate } from '../../api/commands';
import { run as wholeRun, timeline as timelineOf, totals as totalsOf } from '../../api/queries';
import { session } from '../../api/session';
import { hasEnded, type Result, type Run, type TimelineEvent, type Totals } from '../../api/types';
import type { RunData } from '../../live/run-data';
import type { StreamState } from '../../live/stream';
import { useRunData, useRunOfResult } from '../../live/use-run';
import { plannedOf, type Planned } from './planned';

const SECOND = 1000;
const BEFORE = ['QUEUED', 'PREPARING', 'STARTING'];

/** The run with a result that has no distributions: only its state is asked for again and again. */
const watched = (id: string, streams: boolean) =>
  queryOptions({
    queryKey: ['run', id, 'watched'],
    queryFn: ({ signal }) => call<Run>(`/runs/${id}`, { query: { distribution: false }, signal }),
    refetchInterval: ({ state: { data, error } }) => {
      if (!data) return error ? 5 * SECOND : false;
      if (hasEnded(data.state)) return false;
      if (BEFORE.includes(data.state)) return SECOND;
      // The stream tells what changes; this is for what it does not tell, such as warnings.
      return streams ? 10 * SECOND : 2 * SECOND;
    },
  });

/** What would run: the planned rate over time. Nothing changes it once the run is there. */
const plan = (run: Run | undefined) =>
  queryOptions({
    queryKey: ['plan', run?.id],
    // What is redacted in it is no matter for its rate, and a rule that has become wrong since is none of this run's.
    queryFn: async ({ signal }) => (await validate({ ...run?.scenario, alerts: undefined, observe: undefined }, signal)).plan ?? null,
    enabled: run !== undefined,
    staleTime: Infinity,
    retry: false,
  });

/** The controller keeps that many seconds of frames; who comes later sees the time before from the result. */
const STREAMED_SECONDS = 3300;
/** As much is read again of a run that has ended, for what the result does not have: errors and statuses by second. */
const MOST_REPLAYED_BYTES = 12e6;
const FRAME_BYTES = 900;
const PART_BYTES = 450;
const MOST_WORKERS_TOLD = 32;

/** Whether the frames of a run that has ended are worth their bytes. */
export function isWorthReplay(result: Pick<Result, 'series' | 'requests' | 'workers' | 'seriesSeconds'>): boolean {
  const parts = result.requests.length + Math.min(MOST_WORKERS_TOLD, result.workers.length);
  const rows = result.series.length * result.seriesSeconds;
  return rows * (FRAME_BYTES + parts * PART_BYTES) <= MOST_REPLAYED_BYTES;
}

export interface RunPage {
  run: Run;
  /** Nothing was measured yet. */
  isBefore: boolean;
  ended: boolean;
  /** While it goes on, what it comes to by now; then the result. Null before anything was measured. */
  totals: Totals | null;
  result: Result | null;
  data: RunData;
  version: number;
  connection: StreamState;
  planned: Planned;
  events: TimelineEvent[];
}

export interface Loaded {
  page: RunPage | null;
  error: unknown;
  retry: () => void;
}

const startedLongAgo = (run: Run | undefined): boolean => {
  const started = run?.startedAt ? Date.parse(run.startedAt) : NaN;
  return Date.now() - started > STREAMED_SECONDS * SECOND;
};

export function useRun(id: string): Loaded {
  const [streams, setStreams] = useState(false);
  const run = useQuery(watched(id, streams));
  const ended = run.data !== undefined && hasEnded(run.data.state);
  // A run that goes on for more than an hour, and one that has ended, begin from their result.
  const wantsWhole = ended || (Boolean(run.data?.result) && startedLongAgo(run.data));
  const whole = useQuery({ ...wholeRun(id), enabled: wantsWhole, refetchInterval: false });
  const seed = whole.data?.result ?? null;
  // What was asked for while it went on is no result yet.
  const result = ended && whole.data && hasEnded(whole.data.state) ? seed : null;

  const follows = useRef(false);
  // Whoever has followed it until its end has all of it already.
  follows.current ||= run.data !== undefined && (!wantsWhole || (seed !== null && (!ended || isWorthReplay(seed))));
  const live = useRunData(follows.current ? id : null, { token: () => session.token(), result: seed });
  useEffect(() => setStreams(live.connection.kind === 'live'), [live.connection.kind]);
  const first = useFirst(run.data?.result ?? null);
  const ofResult = useRunOfResult(ended ? result : first);

  useFreshness(id, live.data);
  const totals = useQuery({ ...totalsOf(id, !ended), enabled: run.data !== undefined && !ended && live.data.length > 0 });
  const timeline = useQuery({ ...timelineOf(id, !ended), enabled: run.data !== undefined });
  const { data: preview } = useQuery(plan(run.data));
  const events = useMemo(() => timeline.data?.items ?? [], [timeline.data]);
  const planned = useMemo(() => plannedOf(preview, events), [preview, events]);

  if (!run.data) return { page: null, error: run.error, retry: () => void run.refetch() };
  const { data, version } = isCaughtUp(live.data, ofResult.data, ended) ? live : ofResult;
  const isLoading = ended && whole.isPending && data.length === 0;
  if (isLoading) return { page: null, error: null, retry: () => undefined };
  if (ended && whole.error && data.length === 0) return { page: null, error: whole.error, retry: () => void whole.refetch() };
  return {
    page: {
      run: run.data,
      isBefore: BEFORE.includes(run.data.state) && data.length === 0,
      ended,
      totals: (result as Totals | null) ?? totals.data ?? null,
      result,
      data,
      version,
      connection: live.connection,
      planned,
      events,
    },
    error: null,
    retry: () => undefined,
  };
}

/** The first that there is: what comes later changes nothing. */
function useFirst<T>(value: T | null): T | null {
  const [first, setFirst] = useState<T | null>(null);
  if (first === null && value !== null) setFirst(value);
  return first;
}

/** Frames are told from the first one on: until they have come as far as the result, that is shown in the same places. */
function isCaughtUp(live: RunData, ofResult: RunData, ended: boolean): boolean {
  if (ofResult.length === 0) return true;
  if (ended) return live.hasClasses && live.end !== null;
  return live.rows.lastSecond >= ofResult.rows.lastSecond;
}

/** What the stream tells has changed is asked for at once. */
function useFreshness(id: string, data: RunData): void {
  const queries = useQueryClient();
  const { state, end, events } = data;
  const told = events.length;
  useEffect(() => {
    if (told > 0) void queries.invalidateQueries({ queryKey: ['timeline', id] });
  }, [queries, id, told]);
  useEffect(() => {
    const key = watched(id, true).queryKey;
    const run = queries.getQueryData<Run>(key);
    const now = end?.state ?? state;
    if (!run || !now || hasEnded(run.state) || run.state === now) return;
    if (!end) queries.setQueryData(key, { ...run, state: now });
    void queries.invalidateQueries({ queryKey: ['run', id] });
  }, [queries, id, state, end]);
}

/** What a command answers: the run without its result, which stays. */
export function keepAnswer(queries: ReturnType<typeof useQueryClient>, answer: Run): void {
  queries.setQueryData<Run>(watched(answer.id, true).queryKey, (run) => (run ? { ...run, ...answer, result: run.result } : run));
  void queries.invalidateQueries({ queryKey: ['run', answer.id] });
  void queries.invalidateQueries({ queryKey: ['runs'] });
}
