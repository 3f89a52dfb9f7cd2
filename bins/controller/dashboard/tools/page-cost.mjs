// Measures what opening a page costs: bytes and scripts as they come over the network, and the time until its first plot is painted:
// node tools/page-cost.mjs URL [--plot canvas] [--times 5] [--click SELECTOR]
import { gzipSync } from 'node:zlib';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const { values, positionals: [url] } = parseArgs({ allowPositionals: true, options: { plot: { type: 'string', default: 'canvas' }, times: { type: 'string', default: '5' }, click: { type: 'string' } } });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--enable-precise-memory-info'] });
const found = [];
for (let n = 0; n < Number(values.times); n += 1) {
  // Another context each time: nothing is cached.
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  const [kinds, bodies] = [new Map(), []];
  let bytes = 0;
  let scripts = 0;
  session.on('Network.responseReceived', ({ requestId, type }) => kinds.set(requestId, type));
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const type = kinds.get(requestId);
    if (!['Document', 'Script', 'Stylesheet', 'Font'].includes(type)) return;
    bytes += encodedDataLength;
    if (type === 'Script') scripts += encodedDataLength;
    bodies.push(session.send('Network.getResponseBody', { requestId }).then(({ body }) => gzipSync(body).length, () => 0));
  });
  // A canvas is a plot once something is painted on it.
  await page.addInitScript((selector) => {
    const look = () => {
      const painted = [...document.querySelectorAll(selector)].some((canvas) => canvas.width > 100 && canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value !== 0));
      if (painted) window.firstPlotMs = performance.now();
      else setTimeout(look, 20);
    };
    look();
  }, values.plot);
  await page.goto(url);
  if (values.click) await page.click(values.click);
  await page.waitForFunction(() => window.firstPlotMs !== undefined, null, { timeout: 30_000 }).catch(() => undefined);
  const firstPlotMs = await page.evaluate(() => window.firstPlotMs ?? null);
  const firstPaintMs = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null);
  const gzip = (await Promise.all(bodies)).reduce((sum, size) => sum + size, 0);
  found.push({ firstPaintMs, firstPlotMs, sentKB: bytes / 1000, scriptsKB: scripts / 1000, gzipKB: gzip / 1000, heapMB: await page.evaluate(() => performance.memory.usedJSHeapSize / 1e6) });
  await context.close();
}
await browser.close();
const median = (key) => found.map((each) => each[key]).sort((a, b) => a - b)[Math.floor(found.length / 2)];
console.log(JSON.stringify({ ...Object.fromEntries(Object.keys(found[0]).map((key) => [key, median(key) === null ? null : Number(median(key).toFixed(1))])), times: found.length, load: loadavg()[0] }));
