// Gives a screen the run that it shows, as columns that grow while the run goes on.
import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import { RunData, type ResultLike } from './run-data';
import { openStream, type StreamOptions, type StreamState } from './stream';

export interface LiveRun {
  data: RunData;
  /** Another one whenever `data` has changed. */
  version: number;
  connection: StreamState;
  /** Tries once more, after it was refused. */
  again: () => void;
}

/** A run that somebody watches, or has watched just now. */
class Watched {
  data: RunData;
  connection: StreamState = { kind: 'connecting' };
  snapshot: LiveRun;
  watchers = 0;
  leaving: ReturnType<typeof setTimeout> | null = null;
  readonly #listeners = new Set<() => void>();
  #stream: { close: () => void };

  constructor(
    readonly runId: string,
    readonly options: LiveOptions,
  ) {
    this.data = options.result ? RunData.seededBy(options.result) : new RunData();
    this.snapshot = this.#now();
    this.#stream = this.#open();
  }

  again = (): void => {
    this.#stream.close();
    this.#stream = this.#open();
  };

  #now(): LiveRun {
    return { data: this.data, version: this.data.version, connection: this.connection, again: this.again };
  }

  #open(): { close: () => void } {
    return (this.options.open ?? openStream)({
      runId: this.runId,
      since: this.data.lastSeq,
      token: this.options.token,
      renew: this.options.renew,
      onFrames: (frames) => {
        for (const frame of frames) this.data.addFrame(frame);
        this.#tell();
      },
      onState: (state) => {
        this.connection = state;
        this.#tell();
      },
    });
  }

  listen = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #tell(): void {
    this.snapshot = this.#now();
    for (const listener of this.#listeners) listener();
  }

  close(): void {
    this.#stream.close();
  }
}

export interface LiveOptions {
  token?: StreamOptions['token'];
  renew?: StreamOptions['renew'];
  /** What is known of a run that has gone on for longer than the stream tells: an hour. */
  result?: ResultLike | null;
  /** How a stream is opened, where it is not the controller's. */
  open?: (options: StreamOptions) => { close: () => void };
}

/** Whoever goes to another page and back finds what there was, and is not told an hour anew. */
const KEPT_MS = 30_000;
const watched = new Map<string, Watched>();

function watch(runId: string, options: LiveOptions): Watched {
  let run = watched.get(runId);
  if (!run) {
    watched.set(runId, (run = new Watched(runId, options)));
    // A screen that is given up before it is shown leaves nothing open.
    closeLater(runId, run);
  }
  return run;
}

function leave(runId: string, run: Watched): void {
  run.watchers -= 1;
  if (run.watchers === 0) closeLater(runId, run);
}

function closeLater(runId: string, run: Watched): void {
  run.leaving = setTimeout(() => {
    run.close();
    if (watched.get(runId) === run) watched.delete(runId);
  }, KEPT_MS);
}

const NONE: LiveRun = { data: new RunData(), version: 0, connection: { kind: 'connecting' }, again: () => undefined };

/** Follows a run; `null` follows none. */
export function useRunData(runId: string | null, options: LiveOptions = {}): LiveRun {
  const latest = useRef(options);
  latest.current = options;
  const run = useMemo(() => {
    if (runId === null) return null;
    const token: StreamOptions['token'] = () => latest.current.token?.() ?? null;
    const renew: StreamOptions['renew'] = () => latest.current.renew?.() ?? Promise.resolve(false);
    return watch(runId, { ...latest.current, token, renew });
  }, [runId]);
  useEffect(() => {
    if (runId === null || !run) return undefined;
    run.watchers += 1;
    if (run.leaving !== null) clearTimeout(run.leaving);
    run.leaving = null;
    return () => leave(runId, run);
  }, [runId, run]);
  return useSyncExternalStore(run?.listen ?? nobody, () => run?.snapshot ?? NONE);
}

const nobody = (): (() => void) => () => undefined;

const ENDED: StreamState = { kind: 'ended' };

/** The same of a run that has ended. */
export function useRunOfResult(result: ResultLike | null | undefined): LiveRun {
  return useMemo(() => {
    if (!result) return NONE;
    const data = RunData.ofResult(result);
    return { data, version: data.version, connection: ENDED, again: () => undefined };
  }, [result]);
}
