// Follows a run over a WebSocket, and comes again after the last frame seen whenever the connection is lost.

export type StreamState =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** It tries again at `againAt`, in milliseconds of `performance.now()`. */
  | { kind: 'lost'; againAt: number; tries: number }
  /** The run has ended, and all was told. */
  | { kind: 'ended' }
  /** It is of no use to try again: the run is not there, or who asks may not see it. */
  | { kind: 'refused'; status: number; why: string };

export interface StreamOptions {
  runId: string;
  /** The last frame that was seen. */
  since: number;
  /** The token of now, asked for before each try, for it is renewed meanwhile. */
  token?: () => Promise<string | null> | string | null;
  /** Asked once a token is not accepted any more; answers whether there is a new one. */
  renew?: () => Promise<boolean>;
  onFrames: (frames: unknown[]) => void;
  onState: (state: StreamState) => void;
}

/** What a stream needs of the browser; tests give their own. */
export interface Surroundings {
  open: (url: string, protocols: string[]) => WebSocket;
  /** Whether the run may be seen, as a call of the API answers it. */
  look: (runId: string, token: string | null) => Promise<{ status: number; why: string }>;
  random: () => number;
  now: () => number;
  later: (run: () => void, ms: number) => number;
  never: (timer: number) => void;
  /** Runs it with the next picture; in a hidden tab, which draws none, within a second. */
  withNextPicture: (run: () => void) => () => void;
  /** Calls when the network is back, or the tab is looked at again. */
  onReturn: (run: () => void) => () => void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const MOST_AT_ONCE = 100;

/** Half of the wait is by chance, so that pages which lost one controller do not come again all at once. */
export function waitMs(tries: number, random: number): number {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(tries, 20));
  return full / 2 + (random * full) / 2;
}

export function openStream(options: StreamOptions, around: Surroundings = browser): { close: () => void } {
  let last = options.since;
  let tries = 0;
  let isClosed = false;
  let isOver = false;
  let hasRenewed = false;
  let socket: WebSocket | null = null;
  let timer: number | null = null;
  let waiting: unknown[] = [];
  let cancelPicture: (() => void) | null = null;

  const tell = (state: StreamState): void => {
    if (!isClosed) options.onState(state);
  };

  const handOver = (): void => {
    cancelPicture?.();
    cancelPicture = null;
    if (waiting.length === 0 || isClosed) return;
    const frames = waiting;
    waiting = [];
    options.onFrames(frames);
  };

  const take = (text: unknown): void => {
    let frame: { seq?: unknown; type?: unknown } | null = null;
    try {
      frame = typeof text === 'string' ? JSON.parse(text) : null;
    } catch {
      // It is handed on as what it is, and counted there.
    }
    waiting.push(frame);
    if (typeof frame?.seq === 'number' && frame.seq > last) last = frame.seq;
    if (frame?.type === 'end') isOver = true;
    // Who comes late is told an hour at once, which should not lie in memory twice.
    if (isOver || waiting.length >= MOST_AT_ONCE) handOver();
    else cancelPicture ??= around.withNextPicture(handOver);
  };

  const comeAgain = (): void => {
    if (isClosed || isOver) return;
    const wait = waitMs(tries, around.random());
    tries += 1;
    tell({ kind: 'lost', againAt: around.now() + wait, tries });
    timer = around.later(connect, wait);
  };

  const connect = async (): Promise<void> => {
    timer = null;
    if (tries === 0) tell({ kind: 'connecting' });
    let token: string | null = null;
    try {
      token = (await options.token?.()) ?? null;
    } catch {
      // Without a token the controller says what is wrong.
    }
    if (isClosed || socket) return;
    let wasOpen = false;
    const protocols = token ? ['loadcore', `bearer.${token}`] : ['loadcore'];
    const opened = around.open(address(options.runId, last), protocols);
    socket = opened;
    opened.onopen = () => {
      wasOpen = true;
      tell({ kind: 'live' });
    };
    opened.onmessage = (message: MessageEvent) => {
      // Only what told something was worth coming for; one that is closed at once is waited for ever longer.
      tries = 0;
      take(message.data);
      if (!isOver || socket !== opened) return;
      socket = null;
      opened.close();
      tell({ kind: 'ended' });
    };
    opened.onclose = () => {
      if (socket !== opened) return;
      socket = null;
      handOver();
      if (isClosed) return;
      if (wasOpen) comeAgain();
      else void ask(token);
    };
  };

  /** A WebSocket does not say why it was not opened; a call of the API does. */
  const ask = async (token: string | null): Promise<void> => {
    let answer = { status: 0, why: '' };
    try {
      answer = await around.look(options.runId, token);
    } catch {
      // Nobody answers: the controller is not there.
    }
    if (isClosed) return;
    const hasNew = answer.status === 401 && !hasRenewed && (await options.renew?.().catch(() => false));
    hasRenewed = hasNew === true;
    if (isClosed) return;
    if (hasNew) void connect();
    else if ([400, 401, 403, 404].includes(answer.status)) {
      isOver = true;
      tell({ kind: 'refused', ...answer });
    } else comeAgain();
  };

  const stopListening = around.onReturn(() => {
    if (timer === null) return;
    around.never(timer);
    void connect();
  });

  void connect();
  return {
    close: () => {
      isClosed = true;
      stopListening();
      cancelPicture?.();
      if (timer !== null) around.never(timer);
      socket?.close();
      socket = null;
    },
  };
}

function address(runId: string, since: number): string {
  const url = new URL(`/api/v1/runs/${encodeURIComponent(runId)}/stream`, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.search = `?since=${since}`;
  return url.href;
}

const HIDDEN_MS = 1000;

export const browser: Surroundings = {
  open: (url, protocols) => new WebSocket(url, protocols),
  look: async (runId, token) => {
    const headers: HeadersInit = token ? { Authorization: `Bearer ${token}` } : {};
    const answer = await fetch(`/api/v1/runs/${encodeURIComponent(runId)}?distribution=false`, { headers });
    const told = answer.ok ? null : await answer.json().catch(() => null);
    return { status: answer.status, why: typeof told?.detail === 'string' ? told.detail : '' };
  },
  random: Math.random,
  now: () => performance.now(),
  later: (run, ms) => window.setTimeout(run, ms),
  never: (timer) => window.clearTimeout(timer),
  withNextPicture: (run) => {
    if (document.hidden) {
      const timer = window.setTimeout(run, HIDDEN_MS);
      return () => window.clearTimeout(timer);
    }
    const picture = requestAnimationFrame(run);
    // A tab that is hidden before it draws would keep what it has until it is looked at.
    const timer = window.setTimeout(run, HIDDEN_MS);
    return () => {
      cancelAnimationFrame(picture);
      window.clearTimeout(timer);
    };
  },
  onReturn: (run) => {
    const look = (): void => {
      if (!document.hidden) run();
    };
    window.addEventListener('online', run);
    document.addEventListener('visibilitychange', look);
    return () => {
      window.removeEventListener('online', run);
      document.removeEventListener('visibilitychange', look);
    };
  },
};
