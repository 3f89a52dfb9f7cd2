// Checks that a screen opens one stream, sees what it tells, and finds it again when it comes back.
import { act, StrictMode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { madeFrames } from '../../tools/made-run.mjs';
import type { StreamOptions } from './stream';
import { useRunData, type LiveRun } from './use-run';

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

const frames = [...madeFrames({ seconds: 5, workers: 1, requests: 0, rate: 100 })];
let opened: StreamOptions[];
let closed: number;
let seen: LiveRun;
let root: Root;

const open = (options: StreamOptions) => {
  opened.push(options);
  return { close: () => { closed += 1; } };
};

function Screen({ id }: { id: string }) {
  seen = useRunData(id, { open });
  return <p>{seen.data.length}</p>;
}

const show = (id: string) => act(async () => root.render(<StrictMode><Screen id={id} /></StrictMode>));
const hide = () => act(async () => root.unmount());
const begin = () => { root = createRoot(document.createElement('div')); };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  [opened, closed] = [[], 0];
  begin();
});
afterEach(() => {
  vi.runAllTimers();
  vi.useRealTimers();
});

describe('a run on a screen', () => {
  it('has one stream, and a version for each batch', async () => {
    await show('one');
    expect(opened).toHaveLength(1);
    const before = seen.version;
    await act(async () => opened[0]!.onFrames(frames.slice(0, 4)));
    expect(seen.version).toBe(before + 4);
    await act(async () => opened[0]!.onState({ kind: 'live' }));
    expect(seen.connection).toEqual({ kind: 'live' });
    expect(seen.data.lastSeq).toBe(4);
    await hide();
  });

  it('is still there when somebody comes back soon, and is left alone later', async () => {
    await show('two');
    await act(async () => opened[0]!.onFrames(frames.slice(0, 4)));
    await hide();
    expect(closed).toBe(0);
    begin();
    await show('two');
    expect(opened).toHaveLength(1);
    expect(seen.data.lastSeq).toBe(4);
    await hide();
    vi.runAllTimers();
    expect(closed).toBe(1);
    begin();
    await show('two');
    expect(opened).toHaveLength(2);
    expect(seen.data.lastSeq).toBe(0);
    await hide();
  });

  it('is another one under another id', async () => {
    await show('three');
    await act(async () => opened[0]!.onFrames(frames));
    await show('four');
    expect(opened.map(({ runId }) => runId)).toEqual(['three', 'four']);
    expect(seen.data.length).toBe(0);
    await hide();
  });

  it('goes on after the last frame when it is tried again', async () => {
    await show('five');
    await act(async () => opened[0]!.onFrames(frames.slice(0, 3)));
    await act(async () => opened[0]!.onState({ kind: 'refused', status: 401, why: '' }));
    await act(async () => seen.again());
    expect(opened[1]!.since).toBe(3);
    expect(closed).toBe(1);
    await hide();
  });
});
