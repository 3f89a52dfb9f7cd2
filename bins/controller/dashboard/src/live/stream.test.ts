// Checks that a stream goes on where it was, with a WebSocket and a clock of the test's own.
import { openStream, waitMs, type StreamState, type Surroundings } from './stream';

class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  isClosed = false;
  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {}
  close() { this.isClosed = true; }
  tell(frame: unknown) { this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) }); }
  end() { this.onclose?.(); }
}

const settled = async () => { for (let n = 0; n < 8; n += 1) await Promise.resolve(); };

function stage(answer = { status: 0, why: '' }, more: { token?: string; renew?: () => Promise<boolean>; since?: number } = {}) {
  const sockets: FakeSocket[] = [];
  const timers: { run: () => void; ms: number }[] = [];
  const states: StreamState[] = [];
  const batches: unknown[][] = [];
  let picture: (() => void) | null = null;
  let back: () => void = () => undefined;
  let never = 0;
  const around: Surroundings = {
    open: (url, protocols) => {
      const socket = new FakeSocket(url, protocols);
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    look: async () => answer,
    random: () => 0.5,
    now: () => 1000,
    later: (run, ms) => timers.push({ run, ms }),
    never: () => { never += 1; },
    withNextPicture: (run) => {
      picture = run;
      return () => { picture = null; };
    },
    onReturn: (run) => {
      back = run;
      return () => { back = () => undefined; };
    },
  };
  const stream = openStream(
    { runId: 'a b', since: more.since ?? 0, token: () => more.token ?? null, renew: more.renew, onFrames: (frames) => batches.push(frames), onState: (state) => states.push(state) },
    around,
  );
  return { sockets, timers, states, batches, stream, draw: () => picture?.(), comeBack: () => back(), hasPicture: () => picture !== null, nevers: () => never };
}

describe('a stream', () => {
  it('asks for what comes after the last frame it saw', async () => {
    const { sockets, states, timers, draw, batches } = stage({ status: 0, why: '' }, { since: 4 });
    await settled();
    expect(sockets[0]!.url).toMatch(/^ws:.*\/api\/v1\/runs\/a%20b\/stream\?since=4$/);
    sockets[0]!.onopen!();
    [5, 6, 7].forEach((seq) => sockets[0]!.tell({ seq, type: 'interval', data: {} }));
    draw();
    sockets[0]!.end();
    timers[0]!.run();
    await settled();
    expect(sockets[1]!.url).toMatch(/since=7$/);
    expect(batches).toHaveLength(1);
    expect(batches[0]).toHaveLength(3);
    expect(states.map((state) => state.kind)).toEqual(['connecting', 'live', 'lost']);
    expect(states[2]).toMatchObject({ againAt: 1000 + timers[0]!.ms });
  });

  it('hands over what it has with the next picture, before it is lost, and a hundred at once', async () => {
    const { sockets, batches, draw, hasPicture } = stage();
    await settled();
    const [socket] = sockets;
    socket!.onopen!();
    for (let seq = 1; seq <= 120; seq += 1) socket!.tell({ seq, type: 'interval', data: {} });
    expect(batches.map((batch) => batch.length)).toEqual([100]);
    draw();
    expect(batches.map((batch) => batch.length)).toEqual([100, 20]);
    expect(hasPicture()).toBe(false);
    socket!.tell({ seq: 121, type: 'interval', data: {} });
    socket!.end();
    expect(batches.map((batch) => batch.length)).toEqual([100, 20, 1]);
  });

  it('hands on what is no JSON, so that it is counted, and goes on', async () => {
    const { sockets, batches, draw } = stage();
    await settled();
    sockets[0]!.tell('{"seq": 1, "ty');
    sockets[0]!.tell({ seq: 2, type: 'event', data: {} });
    draw();
    expect(batches[0]).toEqual([null, { seq: 2, type: 'event', data: {} }]);
  });

  it('does not go back behind a frame that is told late', async () => {
    const { sockets, timers } = stage();
    await settled();
    sockets[0]!.onopen!();
    [1, 2, 3, 2].forEach((seq) => sockets[0]!.tell({ seq, type: 'interval', data: {} }));
    sockets[0]!.end();
    timers[0]!.run();
    await settled();
    expect(sockets[1]!.url).toMatch(/since=3$/);
  });

  it('ends with the run, and comes no more', async () => {
    const { sockets, states, timers, batches } = stage();
    await settled();
    sockets[0]!.onopen!();
    sockets[0]!.tell({ seq: 1, type: 'end', data: { state: 'COMPLETED', complete: true } });
    sockets[0]!.end();
    expect(batches).toHaveLength(1);
    expect(states.at(-1)).toEqual({ kind: 'ended' });
    expect(states.filter((state) => state.kind === 'ended')).toHaveLength(1);
    expect(timers).toHaveLength(0);
  });

  it('waits longer each time that nobody answers, up to ten seconds', async () => {
    const { sockets, timers } = stage({ status: 503, why: '' });
    for (let n = 0; n < 8; n += 1) {
      await settled();
      sockets[n]!.end();
      await settled();
      timers[n]!.run();
    }
    const waits = timers.map((timer) => timer.ms);
    expect(waits.slice(0, 5)).toEqual([375, 750, 1500, 3000, 6000]);
    expect(waits.at(-1)).toBe(7500);
    expect([waitMs(0, 0), waitMs(99, 1)]).toEqual([250, 10_000]);
  });

  it('begins with short waits again once it was told something', async () => {
    const { sockets, timers } = stage();
    await settled();
    sockets[0]!.end();
    await settled();
    timers[0]!.run();
    await settled();
    sockets[1]!.onopen!();
    sockets[1]!.tell({ seq: 1, type: 'event', data: {} });
    sockets[1]!.end();
    expect(timers.map((timer) => timer.ms)).toEqual([375, 375]);
  });

  it.each([401, 403, 404])('is refused with %d, and does not try again', async (status) => {
    const { sockets, states, timers } = stage({ status, why: 'there is no such run' });
    await settled();
    sockets[0]!.end();
    await settled();
    expect(states.at(-1)).toEqual({ kind: 'refused', status, why: 'there is no such run' });
    expect(timers).toHaveLength(0);
  });

  it('renews its token once when it is not accepted any more', async () => {
    let asked = 0;
    const { sockets, states } = stage({ status: 401, why: '' }, { token: 'a.b.c', renew: async () => (asked += 1) > 0 });
    await settled();
    expect(sockets[0]!.protocols).toEqual(['loadcore', 'bearer.a.b.c']);
    sockets[0]!.end();
    await settled();
    expect(sockets).toHaveLength(2);
    sockets[1]!.end();
    await settled();
    expect(asked).toBe(1);
    expect(states.at(-1)).toMatchObject({ kind: 'refused', status: 401 });
  });

  it('comes at once when the network is back', async () => {
    const { sockets, comeBack, nevers } = stage();
    await settled();
    sockets[0]!.onopen!();
    sockets[0]!.end();
    comeBack();
    await settled();
    expect(sockets).toHaveLength(2);
    expect(nevers()).toBe(1);
    comeBack();
    await settled();
    expect(sockets).toHaveLength(2);
  });

  it('says nothing more once it is closed', async () => {
    const { sockets, states, batches, stream } = stage();
    await settled();
    sockets[0]!.onopen!();
    sockets[0]!.tell({ seq: 1, type: 'event', data: {} });
    stream.close();
    sockets[0]!.end();
    expect(sockets[0]!.isClosed).toBe(true);
    expect(batches).toHaveLength(0);
    expect(states.map((state) => state.kind)).toEqual(['connecting', 'live']);
  });
});
