// Holds every page in every look and state: nothing complained of, nothing that axe calls serious, nothing wider than the window.
//
//   node --test e2e/pages.test.mjs                       pages with data, in light; some in every state
//   PICTURES=FOLDER node --test e2e/pages.test.mjs       all of them, in light, dark, at 380 px and 4K, each with its picture
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axe, openPage, overflow, SIZES, startBrowser, startController, startTarget, until } from './stand.mjs';

const pictures = process.env.PICTURES;
const LOOKS = { light: {}, ...(pictures && { phone: { size: SIZES.phone }, dark: { dark: true }, '4k': { size: SIZES.huge }, 'phone-dark': { size: SIZES.phone, dark: true } }) };

let full, empty, target, browser, paths;

before(async () => {
  if (pictures) await mkdir(pictures, { recursive: true });
  [full, empty, target, browser] = await Promise.all([startController(['--demo']), startController(), startTarget(), startBrowser()]);
  // A run that has ended, with a mix, some failures, and a second one to compare it with.
  const document = {
    name: 'Checkout', targetUrl: target.url, durationSeconds: 8, tags: ['nightly'], notes: 'Made for the pictures.', sla: ['p99<250ms', 'error_rate<1%'],
    loadProfile: { type: 'RAMP', initialRps: 20, targetRps: 120 },
    mix: [{ name: 'cart', url: '/cart', weight: 5 }, { name: 'pay', url: '/pay', weight: 2 }, { name: 'refund', url: '/bad', weight: 1 }],
  };
  const base = await full.run(document);
  const candidate = await full.end((await full.ask(`/scenarios/${base.scenarioId}/runs`, { method: 'POST' })).runId);
  await full.ask(`/scenarios/${base.scenarioId}/baseline`, { method: 'PUT', body: { runId: base.id } });
  await full.ask('/tokens', { method: 'POST', body: { name: 'pipeline' } });
  await full.ask('/secrets/SHOP_TOKEN', { method: 'PUT', body: { value: 'abc' } }).catch(() => null);
  const search = await full.ask('/capacity-searches', { method: 'POST', body: { scenarioId: base.scenarioId, slo: 'ok_p99<50ms', maxRate: 200, durationSeconds: 20 } });
  const live = await until(async () => (await full.ask('/runs?state=RUNNING&tag=demo')).items[0], 'the demo runs');
  paths = {
    runs: '/', live: `/runs/${live.id}`, result: `/runs/${candidate.id}`, scenarios: '/scenarios', scenario: `/scenarios/${base.scenarioId}`, new: '/scenarios/new',
    edit: `/scenarios/${base.scenarioId}/edit`, compare: `/compare?base=${base.id}&candidate=${candidate.id}`, 'compare-none': '/compare', workers: '/workers', capacity: '/capacity', search: `/capacity/${search.id}`,
    settings: '/settings', ...Object.fromEntries(['tokens', 'secrets', 'quotas', 'domains', 'audit', 'halt', 'about'].map((part) => [`settings-${part}`, `/settings/${part}`])), gallery: '/gallery',
  };
});
after(async () => {
  await browser?.close();
  await Promise.all([full?.stop(), empty?.stop(), target?.close()]);
});

/** Opens a page, holds it to what every page has to be, and keeps its picture. */
async function look(name, url, options, { wait = 700, before: first } = {}) {
  const page = await openPage(browser, options);
  await first?.(page);
  await page.goto(url);
  await page.locator('h1').first().waitFor();
  await page.waitForTimeout(wait);
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: false });
  const wide = await overflow(page);
  const found = options.size === SIZES.huge ? [] : await axe(page);
  const { complaints } = page;
  await page.context().close();
  return [wide > 0 && `it is ${wide} px wider than its window`, ...found, ...complaints].filter(Boolean).map((fault) => `${name}: ${fault}`);
}

for (const [kind, options] of Object.entries(LOOKS)) {
  test(`every page with data, ${kind}`, async () => {
    const faults = [];
    for (const [name, path] of Object.entries(paths)) faults.push(...(await look(`${name}-${kind}`, full.url + path, options, { wait: name === 'live' ? 1500 : 700 })));
    assert.deepEqual(faults, []);
  });
}

test('every page where nothing is yet', async () => {
  const faults = [];
  for (const name of ['runs', 'scenarios', 'compare-none', 'workers', 'capacity', 'settings-tokens', 'settings-secrets', 'settings-audit']) faults.push(...(await look(`${name}-empty`, empty.url + paths[name], {})));
  assert.deepEqual(faults, []);
});

/** Answers each call of the API but what tells who asks by `answer`. */
const answering = (answer) => (page) => page.route(/\/api\/v1\/(?!about|me$|halt)/, answer);

test('every page while it waits for an answer, and where it gets none', async () => {
  const faults = [];
  const problem = { status: 503, contentType: 'application/problem+json', body: JSON.stringify({ type: 'urn:loadcore:problem:not-ready', title: 'The store is not there', status: 503, detail: 'the store does not answer; try again in some seconds' }) };
  const names = ['runs', 'result', ...(pictures ? ['edit', 'workers', 'scenarios', 'scenario', 'compare', 'search', 'settings-tokens'] : [])];
  for (const name of names) {
    faults.push(...(await look(`${name}-loading`, full.url + paths[name], {}, { wait: 300, before: answering(() => {}) })));
    const failed = answering((route) => route.fulfill(problem));
    faults.push(...(await look(`${name}-failed`, full.url + paths[name], {}, { wait: 5500, before: failed })));
  }
  assert.deepEqual(faults, []);
});

test('what is not there is told', async () => {
  for (const path of ['/runs/019b7705-3c1a-7a10-b6f5-8e2b7a1c9d3e', '/scenarios/019b7705-3c1a-7a10-b6f5-8e2b7a1c9d3e']) {
    const page = await openPage(browser);
    await page.goto(full.url + path);
    await page.getByText(/is not there|there is no/i).first().waitFor();
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  }
});
