// Measures what a frame costs the browser's main thread with all plots of a live screen open, and the memory after an hour of frames:
// node tools/frame-cost.mjs [--seconds 3600] [--measured 300] [--tall]
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3600' }, measured: { type: 'string', default: '300' }, tall: { type: 'boolean', default: false }, port: { type: 'string', default: '0' } } });
const [seconds, measured] = [Number(values.seconds), Number(values.measured)];
const root = resolve(import.meta.dirname, '..');
const outDir = mkdtempSync(join(tmpdir(), 'loadcore-frame-cost-'));

const percentile = (sorted, q) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];

async function measure(url) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--enable-precise-memory-info', '--js-flags=--expose-gc'] });
  const page = await browser.newPage({ viewport: { width: 1440, height: values.tall ? 2400 : 900 } });
  page.on('pageerror', (error) => { throw error; });
  await page.goto(url);
  await page.waitForFunction(() => typeof window.takeFrames === 'function');
  const session = await page.context().newCDPSession(page);
  // Processor time of the main thread: other programs of the machine are not in it.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const busyMs = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
  };
  // All but the last ones a hundred at once, as somebody is told who comes late; those one by one, as they come.
  for (let told = 0; told < seconds - measured; told += 100) {
    await page.evaluate((count) => window.makeFrames(count), Math.min(100, seconds - measured - told));
    await page.evaluate(() => window.takeFrames());
  }
  // Without a frame it is what the measuring costs by itself: two empty pictures and the debugger's own words.
  const cost = async (frames) => {
    await page.evaluate((count) => window.makeFrames(count), frames);
    const before = await busyMs();
    await page.evaluate(() => window.takeFrames());
    return (await busyMs()) - before;
  };
  const [spent, empty] = [[], []];
  for (let n = 0; n < measured; n += 1) {
    spent.push(await cost(1));
    if (n % 5 === 0) empty.push(await cost(0));
  }
  for (const costs of [spent, empty]) costs.sort((a, b) => a - b);
  await page.evaluate(() => window.gc?.());
  const heap = await page.evaluate(() => performance.memory.usedJSHeapSize / 1e6);
  const bytes = await page.evaluate(() => performance.memory.totalJSHeapSize / 1e6);
  const own = await privateMegabytes(browser);
  await browser.close();
  return { frames: spent.length, p50Ms: percentile(spent, 0.5), p95Ms: percentile(spent, 0.95), maxMs: spent.at(-1), emptyP50Ms: percentile(empty, 0.5), heapMB: heap, heapReservedMB: bytes, processMB: own };
}

/** What the page's process has in memory for itself, as the system tells it; null where it does not. */
async function privateMegabytes(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const sizes = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => {
    const path = `/proc/${id}/smaps_rollup`;
    if (!existsSync(path)) return null;
    return [...readFileSync(path, 'utf8').matchAll(/^Private_\w+:\s+(\d+) kB/gm)].reduce((sum, [, size]) => sum + Number(size) / 1000, 0);
  });
  return Math.max(...sizes.map((size) => size ?? NaN)) || null;
}

try {
  await build({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn', build: { outDir, emptyOutDir: true, rollupOptions: { input: join(root, 'tools/frame-cost/index.html') } } });
  const server = await preview({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn', build: { outDir }, preview: { port: Number(values.port), host: '127.0.0.1' } });
  const { port } = server.httpServer.address();
  const figures = await measure(`http://127.0.0.1:${port}/tools/frame-cost/index.html?seconds=${seconds}&workers=100&requests=20`);
  console.log(JSON.stringify(figures, (_, value) => (typeof value === 'number' ? Number(value.toFixed(2)) : value)));
  server.httpServer.close();
} finally {
  rmSync(outDir, { recursive: true, force: true });
}
process.exit(0);
