// Takes the pictures of the README of a controller that runs with --demo, and puts them into docs/pictures.
//
//   cargo run --locked --release -p loadcore-controller -- --demo
//   npm run pictures                                                  LOADCORE_CONTROLLER, else http://127.0.0.1:8080
//
// It makes runs of its own first, for two minutes, so that the list has some. Look at what came of it: a busy machine shows.
import { mkdir, writeFile } from 'node:fs/promises';
import { fewColours } from './png.mjs';
import { openPage, startBrowser, until } from '../e2e/stand.mjs';

const LIMIT = 150_000;
const controller = process.env.LOADCORE_CONTROLLER ?? 'http://127.0.0.1:8080';
const folder = new URL('../../../../docs/pictures/', import.meta.url);

async function ask(path, body) {
  const response = await fetch(`${controller}/api/v1${path}`, body && { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

const demo = (await ask('/scenarios?tag=demo')).items[0];
if (!demo) throw new Error(`${controller} has no demo: start it with --demo`);

/** A run of the target of the demo beside it, to its end. */
async function run(name, document) {
  const { runId } = await ask('/scenarios', { name, targetUrl: demo.scenario.targetUrl, durationSeconds: 20, ...document });
  return until(async () => ['COMPLETED', 'ABORTED', 'FAILED'].includes((await ask(`/runs/${runId}`)).state), `${name} ends`, 180_000);
}

// By its tag a second call finds what the first one has made.
const [kept] = (await ask('/runs?tag=sale')).items;
if (!kept) {
  await run('Catalogue', { loadProfile: { type: 'CONSTANT', initialRps: 10 }, sla: ['error_rate<5%'], tags: ['catalogue', 'nightly'] });
  await run('Sign-up', { loadProfile: { type: 'SPIKE', initialRps: 5, targetRps: 30, spikeStartSecond: 6, spikeDurationSeconds: 6 }, tags: ['nightly'] });
  await run('Sale', { loadProfile: { type: 'RAMP', initialRps: 5, targetRps: 40 }, durationSeconds: 60, sla: ['ok_p99<250ms', 'error_rate<2%'], tags: ['sale'] });
}
const live = (await ask('/runs?tag=demo&state=RUNNING')).items[0];
const ended = kept ?? (await ask('/runs?tag=sale')).items[0];
if (!live) throw new Error('no run of the demo goes on just now: try again');

const browser = await startBrowser();
const painter = await openPage(browser);
await mkdir(folder, { recursive: true });
for (const [name, path, look] of [
  ['runs', '/', { size: { width: 1440, height: 640 } }],
  ['live', `/runs/${live.id}`, { size: { width: 1440, height: 1120 } }],
  ['result', `/runs/${ended.id}`, { size: { width: 1440, height: 1120 }, dark: true }],
]) {
  const page = await openPage(browser, look);
  await page.goto(controller + path);
  await page.locator('h1').first().waitFor();
  // Plots draw in the frame after what they show has come.
  await page.waitForTimeout(2500);
  const picture = await fewColours(painter, await page.screenshot());
  await page.context().close();
  if (page.complaints.length > 0) throw new Error(`${name}: ${page.complaints.join('; ')}`);
  if (picture.length > LIMIT) throw new Error(`${name}.png has ${picture.length} bytes, and ${LIMIT} are allowed`);
  await writeFile(new URL(`${name}.png`, folder), picture);
  console.log(`docs/pictures/${name}.png ${(picture.length / 1000).toFixed(1)} kB`);
}
await browser.close();
