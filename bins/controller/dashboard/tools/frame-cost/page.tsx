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
    makeFrames: (count: number) => void;
    takeFrames: () => Promise<void>;
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
      <Live data={data} marks={marks} />
    </div>
  );
}

let texts: string[] = [];

/** Makes the next frames, as texts that come over the network; that is not measured. */
window.makeFrames = (count) => {
  for (let n = 0; n < count; n += 1) {
    const { value, done } = frames.next();
    if (!done) texts.push(JSON.stringify(value));
  }
};

/** All that the page does for a frame: reading its text, its columns, React, and the picture. */
window.takeFrames = async () => {
  if (texts.length > 0) {
    for (const text of texts) data.addFrame(JSON.parse(text));
    texts = [];
    version += 1;
    for (const listener of listeners) listener();
  }
  // What follows is done with the next picture, and the one after it is begun when that is painted.
  await new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())));
};

createRoot(document.getElementById('root')!).render(query.has('gallery') ? <div style={{ padding: 'var(--space-4)' }}><Gallery /></div> : <LiveScreen />);
