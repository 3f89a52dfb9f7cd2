// Writes the frames of a made run as JSON lines: node tools/frames.mjs --seconds 3600 --workers 100 --requests 20 > frames.jsonl
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { madeFrames } from './made-run.mjs';

const whole = { type: 'string' };
const { values } = parseArgs({ options: { seconds: whole, workers: whole, requests: whole, rate: whole, seed: whole } });
const options = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
for (const frame of madeFrames(options)) {
  if (!process.stdout.write(`${JSON.stringify(frame)}\n`)) await once(process.stdout, 'drain');
}
