// Holds, in a browser and against a real controller: a scenario is made, run, steered, stopped and compared; what stands on the
// screen is what the API says; a reload and a killed controller lose nothing.
//
//   node --test e2e/run.test.mjs
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe, openPage, startBrowser, startController, startTarget, until } from './stand.mjs';

let controller, target, browser;

before(async () => {
  [controller, target, browser] = await Promise.all([startController(), startTarget(), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await controller?.stop();
  await target?.close();
});

/** The headline figure of this name, as text. */
const figure = (page, name) => page.locator(`dt:text-is("${name}") + dd`).first().innerText();
const number = (text) => Number(text.replace(/[^0-9.]/g, ''));
const runOf = (page) => new URL(page.url()).pathname.split('/')[2];
/** A page is over when nothing was complained of. */
const leave = async (page) => {
  assert.deepEqual(page.complaints, []);
  await page.context().close();
};

/** Fills in the editor, and starts. */
async function startInEditor(page, { url, rate, seconds }) {
  await page.goto(`${controller.url}/scenarios/new`);
  await page.getByLabel('URL', { exact: true }).fill(url);
  await page.getByLabel('Rate', { exact: true }).fill(String(rate));
  await page.getByLabel('Duration', { exact: true }).fill(String(seconds));
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.waitForURL(/\/runs\//);
  return runOf(page);
}

test('a stranger makes a test, watches it, changes its rate, and stops it', async () => {
  const page = await openPage(browser);
  await page.goto(controller.url);
  // Nothing has run yet: the page says what to do first.
  await page.getByRole('link', { name: 'New test' }).first().click();
  const id = await startInEditor(page, { url: target.url, rate: 40, seconds: 120 });
  await page.getByText('Live', { exact: true }).waitFor();

  // It moves: more requests from look to look, and so do the plots.
  const first = number(await until(async () => { const text = await figure(page, 'Requests'); return number(text) > 0 && text; }, 'requests are counted'));
  await until(async () => number(await figure(page, 'Requests')) > first, 'their number grows');
  const canvas = page.locator('canvas').first();
  const before = await canvas.evaluate((element) => element.toDataURL());
  await until(async () => (await canvas.evaluate((element) => element.toDataURL())) !== before, 'the first plot moves');

  // Another rate, as the API has it too.
  await page.getByRole('button', { name: 'Change rate' }).click();
  await page.getByRole('textbox', { name: 'New rate' }).fill('120');
  await page.getByRole('textbox', { name: 'Over' }).fill('0');
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await until(async () => (await controller.ask(`/runs/${id}/timeline`)).items.some(({ kind, data }) => kind === 'rate_changed' && data.targetRps === 120), 'the rate is changed');
  await until(async () => number(await figure(page, 'Achieved rate')) > 80, 'the screen shows the new rate');

  // A reload in the middle: what was before is there again.
  const counted = number(await figure(page, 'Requests'));
  await page.reload();
  await until(async () => number(await figure(page, 'Requests')) >= counted, 'what was counted is there after a reload');
  await page.getByText('Rate changed').first().waitFor();

  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
  await until(async () => (await controller.ask(`/runs/${id}`)).state === 'PAUSED', 'it is paused');
  await page.getByRole('button', { name: 'Resume', exact: true }).click();

  assert.deepEqual(await axe(page), []);
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: /^Stop/ }).click();
  const run = await controller.end(id);
  assert.equal(run.state, 'ABORTED');
  await page.getByText('Aborted').first().waitFor();
  await sameAsRest(page, run.result);
  assert.equal(run.result.totalRequests, run.result.outcomes.ok + run.result.outcomes.failed);
  await leave(page);
});

/** What stands on a result's page is what the API says. */
async function sameAsRest(page, result) {
  const latency = (ms) => (ms >= 1 ? `${Number(ms.toPrecision(3)).toLocaleString('en')} ms` : `${Number((ms * 1000).toPrecision(3))} µs`);
  await until(async () => (await figure(page, 'Requests')).replace(',', '') === String(result.totalRequests), `there are ${result.totalRequests} requests on the screen`);
  assert.equal(await figure(page, 'p50'), latency(result.latency.p50Ms));
  assert.equal(await figure(page, 'p99'), latency(result.latency.p99Ms));
  assert.equal(await figure(page, 'Longest'), latency(result.latency.maxMs));
  const errors = result.totalRequests === 0 ? null : (100 * result.outcomes.failed) / result.totalRequests;
  if (errors !== null) assert.ok(Math.abs(number(await figure(page, 'Errors')) - errors) < 0.5, `${await figure(page, 'Errors')} of ${errors}`);
}

test('two runs are chosen from the list and compared', async () => {
  const document = { name: 'Compared', targetUrl: target.url, durationSeconds: 4, loadProfile: { type: 'CONSTANT', initialRps: 50 } };
  const base = await controller.run(document);
  target.delayMs = 40;
  const { runId } = await controller.ask(`/scenarios/${base.scenarioId}/runs`, { method: 'POST' });
  const candidate = await controller.end(runId);
  target.delayMs = 3;

  const page = await openPage(browser);
  await page.goto(`${controller.url}/?q=Compared`);
  await page.getByRole('checkbox', { name: 'Choose Compared' }).nth(1).waitFor();
  for (const box of await page.getByRole('checkbox', { name: 'Choose Compared' }).all()) await box.check();
  await page.getByRole('region', { name: 'Chosen runs' }).getByRole('link', { name: 'Compare' }).or(page.getByRole('region', { name: 'Chosen runs' }).getByRole('button', { name: 'Compare' })).click();
  await page.waitForURL(/\/compare\?/);
  const query = new URL(page.url()).searchParams;
  assert.deepEqual([query.get('base'), query.get('candidate')].sort(), [base.id, candidate.id].sort());
  const told = await controller.ask(`/comparisons?base=${base.id}&candidate=${candidate.id}`);
  assert.equal(told.judgement, 'regression', 'a target that is ten times slower is one');
  await page.goto(`${controller.url}/compare?base=${base.id}&candidate=${candidate.id}`);
  await page.getByText(/regression/i).first().waitFor();
  await page.getByText(told.conclusion).first().waitFor();
  assert.deepEqual(await axe(page), []);
  await leave(page);
});

test('a controller that is killed in the middle is awaited, and the run goes on where it was', async () => {
  const page = await openPage(browser);
  const id = await startInEditor(page, { url: target.url, rate: 30, seconds: 40 });
  await page.getByText('Live', { exact: true }).waitFor();
  await until(async () => number(await figure(page, 'Requests')) > 60, 'it has run for some seconds');
  await controller.kill();
  await page.getByText(/connection (is )?lost|cannot be reached/i).first().waitFor();
  const counted = number(await figure(page, 'Requests'));
  assert.ok(counted > 60, 'what was known stays on the screen');
  await controller.start();
  await page.getByText('Live', { exact: true }).waitFor({ timeout: 60_000 });
  await until(async () => number(await figure(page, 'Requests')) > counted, 'it goes on');
  const run = await controller.end(id);
  assert.equal(run.state, 'COMPLETED');
  await page.getByText('Completed').first().waitFor();
  await sameAsRest(page, run.result);
  await page.getByText(/Worker lost/).first().waitFor();
  await leave(page);
});

test('names with markup are text, and a run without one request is told as one', async () => {
  const name = '<img src=x onerror="globalThis.broken = true"> & <b>bold</b>';
  const nothing = await controller.run({ name, targetUrl: target.url, durationSeconds: 1, loadProfile: { type: 'CONSTANT', initialRps: 0.4 }, tags: ['<i>tag</i>'] });
  assert.equal(nothing.result?.totalRequests ?? 0, 0);
  const failed = await controller.run({
    name: 'All of it fails', durationSeconds: 2, numWorkers: 1, targetUrl: target.url, loadProfile: { type: 'CONSTANT', initialRps: 100 },
    mix: Array.from({ length: 100 }, (_, place) => ({ name: `${String(place).padStart(3, '0')}<b>${'n'.repeat(90)}</b>`, url: '/bad' })),
  });
  assert.equal(failed.result.outcomes.ok, 0);
  const page = await openPage(browser);
  for (const path of ['/', '/scenarios', `/runs/${nothing.id}`, `/scenarios/${nothing.scenarioId}`, `/scenarios/${nothing.scenarioId}/edit`]) {
    await page.goto(controller.url + path);
    await page.getByText('<img src=x', { exact: false }).or(page.locator('input[value^="<img"], textarea')).first().waitFor();
    assert.equal(await page.evaluate(() => globalThis.broken ?? false), false);
    assert.equal(await page.locator('main img').or(page.locator('b', { hasText: /^bold$/ })).count(), 0, path);
  }
  await page.goto(`${controller.url}/runs/${failed.id}`);
  await sameAsRest(page, failed.result);
  await page.getByText('100%').first().waitFor();
  assert.equal(await page.locator('b', { hasText: /^n+$/ }).count(), 0);
  assert.deepEqual(await axe(page), []);
  await leave(page);
});
