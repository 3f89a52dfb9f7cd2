// Measures what a second costs the browser's main thread on the real screen of a run, with an hour of frames of 100 workers:
// node tools/run-cost.mjs --controller http://127.0.0.1:8080 [--seconds 3600] [--measured 120] [--trace FILE]
//
// The page is the one in dist/. A controller that runs its demo answers every call; the stream and the rows of workers and requests are made here.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { loadavg } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { madeFrames } from './made-run.mjs';

const text = (value) => ({ type: 'string', default: value });
const { values } = parseArgs({ options: { controller: text('http://127.0.0.1:8080'), seconds: text('3600'), measured: text('120'), workers: text('100'), requests: text('20'), port: text('0'), trace: { type: 'string' }, tall: { type: 'boolean', default: false } } });
const [seconds, measured, workers, requests] = [values.seconds, values.measured, values.workers, values.requests].map(Number);
const dist = resolve(import.meta.dirname, '../dist');
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html' };
const percentile = (values, q) => [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(q * values.length) - 1)] ?? null;

const { items } = await (await fetch(`${values.controller}/api/v1/runs?state=RUNNING`)).json();
if (!items?.length) throw new Error(`${values.controller} has no run that goes on: start it with --demo`);
const { id } = items[0];

// As many rows as wanted, of the figures that there are.
const many = (rows, count, named) => Array.from({ length: count }, (_, place) => ({ ...rows[place % rows.length], ...named(place) }));
const frames = madeFrames({ seconds: seconds + measured, workers, requests });
const first = Array.from({ length: seconds }, () => JSON.stringify(frames.next().value));
const names = (key) => [...new Set(JSON.parse(first.at(-1))[key]?.map((part) => part.name ?? part.worker) ?? [])];
const [ofRequests, ofWorkers] = [names('requests'), names('workers')];
const grown = (totals) => ({
  ...totals,
  requests: many(totals.requests, requests, (place) => ({ name: ofRequests[place] ?? `request ${place}` })),
  workers: many(totals.workers, workers, (place) => ({ worker: ofWorkers[place] ?? `worker-${place + 1}` })),
});

/** A text of the server in a frame of a WebSocket (RFC 6455). */
function framed(message) {
  const body = Buffer.from(message);
  const head = body.length < 126 ? Buffer.from([0x81, body.length]) : body.length < 65_536 ? Buffer.from([0x81, 126, 0, 0]) : Buffer.from([0x81, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  if (head.length === 4) head.writeUInt16BE(body.length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(body.length), 2);
  return Buffer.concat([head, body]);
}

let stream = null;
const server = createServer((asked, answer) => {
  const { pathname } = new URL(asked.url, 'http://page');
  if (!pathname.startsWith('/api/')) {
    const file = extname(pathname) ? pathname : '/index.html';
    answer.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
    return answer.end(readFileSync(join(dist, file)));
  }
  const passed = request(`${values.controller}${asked.url}`, { method: asked.method, headers: { ...asked.headers, host: new URL(values.controller).host, 'accept-encoding': 'identity' } }, (told) => {
    const parts = [];
    told.on('data', (part) => parts.push(part)).on('end', () => {
      let body = Buffer.concat(parts);
      if (told.statusCode === 200 && pathname.endsWith('/stats/total')) body = Buffer.from(JSON.stringify(grown(JSON.parse(body))));
      answer.writeHead(told.statusCode, { 'content-type': told.headers['content-type'] ?? 'application/json' }).end(body);
    });
  });
  passed.on('error', () => answer.writeHead(502).end());
  asked.pipe(passed);
});
server.on('upgrade', (asked, socket) => {
  const accept = createHash('sha1').update(`${asked.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: loadcore\r\n\r\n`);
  socket.on('error', () => undefined);
  for (const frame of first) socket.write(framed(frame));
  stream = socket;
});
await new Promise((done) => server.listen(Number(values.port), '127.0.0.1', done));

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--enable-precise-memory-info', '--js-flags=--expose-gc'] });
const page = await browser.newPage({ viewport: { width: 1440, height: values.tall ? 2400 : 900 } });
const faults = [];
page.on('pageerror', (error) => faults.push(error.message));
await page.goto(`http://127.0.0.1:${server.address().port}/runs/${id}`);
await page.waitForSelector('#workers table', { timeout: 60_000 });
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
// All that was told before is drawn once the page is mostly at rest.
let atRest = 0;
const began = performance.now();
while (atRest < 3 && performance.now() - began < 120_000) {
  const busy = await page.evaluate(() => new Promise((done) => { let n = 0; const from = performance.now(); const step = () => { n += 1; if (performance.now() - from < 500) setTimeout(step, 4); else done(n < 60); }; step(); }));
  const isTold = stream !== null && stream.writableLength === 0;
  atRest = isTold && !busy ? atRest + 1 : 0;
}
const caughtUpS = (performance.now() - began) / 1000;
await wait(2000);

const session = await page.context().newCDPSession(page);
await session.send('Performance.enable', { timeDomain: 'threadTicks' });
const events = [];
session.on('Tracing.dataCollected', ({ value }) => events.push(...value));
await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['toplevel', 'devtools.timeline', ...(values.trace ? ['disabled-by-default-v8.cpu_profiler'] : [])] } });
const busy = async () => (await session.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
const spent = [];
for (let n = 0; n < measured; n += 1) {
  const before = await busy();
  stream.write(framed(JSON.stringify(frames.next().value)));
  await wait(1000);
  spent.push((await busy()) - before);
}
const complete = new Promise((done) => session.once('Tracing.tracingComplete', done));
await session.send('Tracing.end');
await complete;
if (values.trace) writeFileSync(values.trace, JSON.stringify(events));
const mains = new Set(events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(({ pid, tid }) => `${pid} ${tid}`));
// Time of the processor: other programs of the machine are not in it.
const tasks = events.filter(({ name, pid, tid, tdur }) => /RunTask$/.test(name) && tdur !== undefined && mains.has(`${pid} ${tid}`)).map(({ tdur }) => tdur / 1000);
const told = tasks.filter((ms) => ms >= 1);
await page.evaluate(() => window.gc?.());
const heap = await page.evaluate(() => performance.memory.usedJSHeapSize / 1e6);
const figures = {
  seconds: spent.length, perSecondP50Ms: percentile(spent, 0.5), perSecondP95Ms: percentile(spent, 0.95), perSecondMaxMs: Math.max(...spent),
  tasksOver1Ms: told.length, taskP50Ms: percentile(told, 0.5), taskP95Ms: percentile(told, 0.95), taskMaxMs: Math.max(0, ...tasks), tasksOver8Ms: tasks.filter((ms) => ms > 8).length,
  heapMB: heap, caughtUpS, load: loadavg()[0], faults,
};
console.log(JSON.stringify(figures, (_, value) => (typeof value === 'number' ? Number(value.toFixed(2)) : value)));
await browser.close();
process.exit(faults.length > 0 ? 1 : 0);
