// Holds, in a browser, what the page does with answers that are late, large, damaged, or of another time and version.
//
//   node --test e2e/bad-input.test.mjs
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPage, startBrowser, startController, startTarget, until } from './stand.mjs';

let controller, target, browser, ended;

before(async () => {
  [controller, target, browser] = await Promise.all([startController(), startTarget(), startBrowser()]);
  ended = await controller.run({ name: 'Ended', targetUrl: target.url, durationSeconds: 2, loadProfile: { type: 'CONSTANT', initialRps: 30 } });
});
after(async () => {
  await browser?.close();
  await controller?.stop();
  await target?.close();
});

const answer = (body) => ({ status: 200, contentType: 'application/json', body: JSON.stringify(body) });
const isList = (url) => url.pathname === '/api/v1/runs';
const words = (page) => page.locator('#root').innerText();
const leave = async (page) => {
  assert.doesNotMatch(await words(page), /NaN|undefined|Invalid Date|Infinity|\[object/);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
};

test('5,000 runs: few rows are drawn, all can be reached', async () => {
  const [row] = (await controller.ask('/runs')).items;
  const all = Array.from({ length: 5000 }, (_, place) => ({ ...row, id: `019b7705-3c1a-7a10-b6f5-${String(place).padStart(12, '0')}`, scenario: { ...row.scenario, name: `Run ${place}` } }));
  const page = await openPage(browser);
  await page.route(isList, (route) => {
    const query = new URL(route.request().url()).searchParams;
    if (query.get('state')?.includes('RUNNING')) return route.fulfill(answer({ items: [], nextCursor: null }));
    const from = Number(query.get('cursor') ?? 0);
    const to = from + Number(query.get('limit') ?? 50);
    return route.fulfill(answer({ items: all.slice(from, to), nextCursor: to < all.length ? String(to) : null }));
  });
  await page.goto(controller.url);
  await page.getByRole('link', { name: 'Run 0', exact: true }).waitFor();
  await page.getByRole('button', { name: /load all/i }).click();
  await until(async () => /5,000 runs/.test(await words(page)), 'all are loaded');
  const rows = await page.locator('tbody tr').count();
  assert.ok(rows < 300, `${rows} rows are drawn of 5,000`);
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await page.getByRole('link', { name: 'Run 4999', exact: true }).waitFor();
  await leave(page);
});

test('an answer that takes ten seconds is awaited, and the place is held meanwhile', async () => {
  const page = await openPage(browser);
  await page.route(isList, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    await route.continue().catch(() => undefined);
  });
  await page.goto(controller.url);
  await page.getByRole('status', { name: /loading/i }).first().waitFor();
  await page.getByRole('link', { name: 'Ended', exact: true }).waitFor({ timeout: 60_000 });
  await leave(page);
});

test('a controller of another version is told', async () => {
  const page = await openPage(browser);
  let version = '0.1.0';
  await page.route('**/api/v1/about', async (route) => {
    const told = await (await route.fetch()).json();
    await route.fulfill(answer({ ...told, version }));
  });
  await page.goto(controller.url);
  await page.getByRole('link', { name: 'Ended', exact: true }).waitFor();
  version = '9.9.9';
  await page.getByRole('button', { name: 'Reload' }).waitFor();
  assert.match(await words(page), /9\.9\.9/);
  await leave(page);
});

test('with a clock that is wrong nothing is told that cannot be', async () => {
  for (const time of ['2001-01-01T00:00:00Z', '2099-01-01T00:00:00Z']) {
    const page = await openPage(browser);
    await page.clock.setFixedTime(new Date(time));
    for (const path of ['/', `/runs/${ended.id}`, `/scenarios/${ended.scenarioId}`, '/workers']) {
      await page.goto(controller.url + path);
      await page.locator('h1').first().waitFor();
      assert.doesNotMatch(await words(page), /-\d+ (s|min|h|d) /, `${path} at ${time}`);
    }
    await leave(page);
  }
});

test('damaged frames, doubled ones and such out of order are passed over', async () => {
  const { runId } = await controller.ask('/scenarios', { method: 'POST', body: { name: 'Damaged', targetUrl: target.url, durationSeconds: 12, loadProfile: { type: 'CONSTANT', initialRps: 25 } } });
  const page = await openPage(browser);
  await page.routeWebSocket(/\/stream/, (socket) => {
    const server = socket.connectToServer();
    let last = '';
    server.onMessage((message) => {
      for (const wrong of ['{', 'null', '[]', '{"seq":-1}', '{"seq":99999999,"type":"nonsense","data":{}}', '{"seq":"x","type":"interval"}', '{"seq":3,"type":"interval","data":{"second":"<b>"}}', '\u0000']) socket.send(wrong);
      if (last) socket.send(last);
      socket.send(message);
      last = message;
    });
  });
  await page.goto(`${controller.url}/runs/${runId}`);
  const run = await controller.end(runId);
  await page.getByText('Completed').first().waitFor();
  const shown = page.locator('dt:text-is("Requests") + dd').first();
  await until(async () => (await shown.innerText()) === String(run.result.totalRequests), 'the figures are those of the API');
  await leave(page);
});

test('thousands of error texts are capped', async () => {
  const page = await openPage(browser);
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, place) => [`class_${place}`, 5000 - place]));
  const texts = Object.fromEntries(Object.keys(many).map((name) => [name, `${name} ${'<i>x</i>'.repeat(200)}`]));
  await page.route(`**/api/v1/runs/${ended.id}*`, async (route) => {
    const told = await (await route.fetch()).json();
    await route.fulfill(answer({ ...told, result: { ...told.result, errors: many, errorExamples: texts } }));
  });
  await page.goto(`${controller.url}/runs/${ended.id}`);
  await page.getByText('class_0').first().waitFor();
  const drawn = await page.getByText(/^class_\d+$/).count();
  assert.ok(drawn < 500, `${drawn} classes are drawn of 5,000`);
  await leave(page);
});
