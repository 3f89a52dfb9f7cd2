// Draws all plots of a live screen from made frames, for tools/frame-cost.mjs, which measures it; `?gallery` shows every plot.
import { createRoot } from 'react-dom/client';
import { useMemo, useSyncExternalStore } from 'react';
import { marksOfRun } from '../../src/live/marks';
import { RunData } from '../../src/live/run-data';
import Gallery, { Live } from '../../src/plots/Gallery';
import { startTheme } from '../../src/ui/theme';
import { madeFrames } from '../made-run.mjs';
import '../../src/ui/tokens.css';
import '../../src/ui/base.css';

declare global {
  interface Window {
    /** Takes the next frames, as texts that came over the network, and draws them; answers how long that took, in milliseconds. */
    takeFrames: (count: number) => Promise<number>;
  }
}

startTheme();
const query = new URLSearchParams(location.search);
const seconds = Number(query.get('seconds') ?? 3600);
const frames = madeFrames({ seconds, workers: Number(query.get('workers') ?? 100), requests: Number(query.get('requests') ?? 20) });
const data = new RunData();
let version = 0;
const listeners = new Set<() => void>();

function LiveScreen() {
  const now = useSyncExternalStore((listener) => { listeners.add(listener); return () => listeners.delete(listener); }, () => version);
  const marks = useMemo(() => marksOfRun(data), [data.events.length, now > 0]);
  return (
    <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 560px), 1fr))', gap: 'var(--space-4)', padding: 'var(--space-4)' }}>
      <Live data={data} marks={marks} domain={[0, seconds]} />
    </div>
  );
}

/** All that the page does for a frame: reading its text, its columns, React, and the picture. */
window.takeFrames = async (count) => {
  const texts: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const { value, done } = frames.next();
    if (done) break;
    texts.push(JSON.stringify(value));
  }
  await new Promise((done) => setTimeout(done, 0));
  const begun = performance.now();
  for (const text of texts) data.addFrame(JSON.parse(text));
  version += 1;
  for (const listener of listeners) listener();
  let spent = performance.now() - begun;
  // What follows runs after React's work and in the next picture: from its beginning until it is painted.
  await new Promise<void>((done) => {
    const from = performance.now();
    queueMicrotask(() => { spent += performance.now() - from; });
    requestAnimationFrame(() => {
      const picture = performance.now();
      const channel = new MessageChannel();
      channel.port1.onmessage = () => { spent += performance.now() - picture; done(); };
      requestAnimationFrame(() => undefined);
      channel.port2.postMessage(null);
    });
  });
  return spent;
};

createRoot(document.getElementById('root')!).render(query.has('gallery') ? <div style={{ padding: 'var(--space-4)' }}><Gallery /></div> : <LiveScreen />);
