// Holds, in a browser and against a controller, what comparing, searching for a capacity and the settings show and do; and that
// axe finds nothing serious on their pages.
//
//   node --test e2e/parts.test.mjs
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe, overflow, startBrowser, startController, until } from './stand.mjs';

let controller, browser, target;

const api = async (path, options = {}) => {
  const response = await fetch(`${controller.url}/api/v1${path}`, { ...options, headers: { 'Content-Type': 'application/json' }, body: options.body && JSON.stringify(options.body) });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null };
};

const startRun = async (name, initialRps) =>
  (await api('/scenarios', { method: 'POST', body: { name, targetUrl: target, durationSeconds: 8, loadProfile: { type: 'CONSTANT', initialRps }, mix: [{ name: 'home', url: '/' }, { name: '<b>markup</b>', url: '/' }] } })).body.runId;

const ended = (id) => until(async () => ['COMPLETED', 'ABORTED', 'FAILED'].includes((await api(`/runs/${id}`)).body.state), 'the run has ended', 60_000);

before(async () => {
  controller = await startController(['--demo']);
  target = (await until(async () => (await api('/scenarios')).body.items[0], 'the demo is there')).scenario.targetUrl;
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await controller?.stop();
});

/** Opens a page; `check` fails where the browser has complained, and where axe finds something serious. */
async function open(path, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const errors = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`${controller.url}${path}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.waitForFunction(() => !document.querySelector('[role=status][aria-label=Loading]'));
  const check = async (allowed = []) => {
    assert.deepEqual(await axe(page), [], path);
    assert.deepEqual(errors.filter((text) => !allowed.some((pattern) => pattern.test(text))), [], path);
    assert.ok((await overflow(page)) <= 0, `${path} is wider than the screen`);
  };
  return { page, check, close: () => context.close() };
}

test('two runs are compared, with the figures that REST tells', async () => {
  const [base, candidate] = [await startRun('Before', 40), await startRun('After', 60)];
  await ended(base);
  await ended(candidate);
  const { body: told } = await api(`/comparisons?base=${base}&candidate=${candidate}`);

  const { page, check, close } = await open('/compare');
  await page.getByText('Choose two runs').waitFor();
  await check();
  for (const [role, name] of [['Base', 'Before'], ['Candidate', 'After']]) {
    await page.getByRole('region', { name: role, exact: true }).getByRole('button', { name: 'Choose' }).click();
    await page.getByLabel('Search').fill(name.toLowerCase());
    await page.getByRole('dialog').getByRole('button', { name: new RegExp(`^${name}`) }).click();
  }
  const table = page.getByRole('region', { name: 'Figure', exact: true });
  await table.waitFor();
  assert.deepEqual(Object.fromEntries(new URL(page.url()).searchParams), { base, candidate });
  assert.equal(await table.getByRole('row').count(), told.changes.length + 1);
  const p50 = told.changes.find(({ figure }) => figure === 'p50');
  const cells = await table.getByRole('row', { name: /^p50/ }).getByRole('cell').allInnerTexts();
  for (const [cell, ms] of [[cells[1], p50.base], [cells[2], p50.candidate]]) assert.ok(Math.abs(toMs(cell) - ms) <= 0.006 * ms, `${cell} is ${ms} ms`);
  for (const warning of told.warnings) await page.getByText(warning.slice(1, 60)).first().waitFor();
  // A name with markup in it is text.
  await page.getByRole('region', { name: 'Request', exact: true }).getByText('<b>markup</b>').waitFor();
  await page.getByText('Latency by percentile').waitFor();
  await page.getByRole('button', { name: 'Swap base and candidate' }).click();
  await until(async () => new URL(page.url()).searchParams.get('base') === candidate, 'they are swapped');
  await page.waitForFunction(() => !document.querySelector('[role=status][aria-label=Loading]'));
  await check();
  await close();
});

const toMs = (text) => Number.parseFloat(text.replaceAll(',', '')) * { ns: 1e-6, 'µs': 1e-3, ms: 1, s: 1000 }[text.trim().split(' ').at(-1)];

test('what cannot be compared is told', async () => {
  const id = await startRun('Goes on', 10);
  const gone = '01a21f80-0000-7000-8000-000000000000';
  const missing = await open(`/compare?base=${id}&candidate=${gone}`);
  await missing.page.getByText('One of these runs is not there').waitFor();
  await missing.check([/404/, /409/]);
  await missing.close();
  await ended(id);
  const none = await open(`/compare?base=baseline&candidate=${id}`);
  await none.page.getByText('There is no baseline').waitFor();
  await none.check([/409/]);
  await none.close();
});

test('a search is started, told what is wrong at its field, watched and stopped', async () => {
  const { page, check, close } = await open('/capacity');
  await page.getByLabel('URL').fill(target);
  await page.getByLabel('Time').fill('99');
  await page.getByRole('button', { name: 'Start the search' }).click();
  await page.getByText(/give 20 to 1800/).waitFor();
  await check([/422/]);
  await page.getByLabel('Time').fill('2');
  await page.getByLabel('Bound').fill('500');
  await page.getByLabel('Highest rate').fill('200');
  await page.getByRole('button', { name: 'Start the search' }).click();
  await page.waitForURL(/\/capacity\/./);
  const id = page.url().split('/').at(-1);
  await page.getByText(/^ok_p99<500ms$/).first().waitFor();
  await page.getByRole('region', { name: 'Trials' }).getByRole('row').nth(2).waitFor({ timeout: 60_000 });
  await check([/422/]);
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.getByRole('button', { name: 'Stop it' }).click();
  await page.getByText('Aborted').waitFor();
  const { body } = await api(`/capacity-searches/${id}`);
  await until(async () => (await page.getByRole('region', { name: 'Trials' }).getByRole('row').count()) === body.capacity.trials.length + 1, 'all trials are shown');
  await page.getByRole('link', { name: 'Capacity', exact: true }).first().click();
  await page.getByRole('link', { name: /^Capacity of/ }).waitFor();
  await check([/422/]);
  await close();
});

test('a secret is kept and its value shown nowhere; a token is shown once', async () => {
  const { page, check, close } = await open('/settings');
  await page.getByLabel('Name').fill('1x');
  await page.getByLabel('Value').fill('v');
  await page.getByRole('button', { name: 'Keep it' }).click();
  await page.getByText(/is no secret's name/).waitFor();
  await page.getByLabel('Name').fill('SHOP_TOKEN');
  await page.getByLabel('Value').fill('very-secret-value');
  await page.getByRole('button', { name: 'Keep it' }).click();
  await page.getByRole('cell', { name: 'SHOP_TOKEN', exact: true }).waitFor();
  assert.ok(!(await page.content()).includes('very-secret-value'));
  await check([/422/]);
  await page.getByRole('link', { name: 'API tokens' }).click();
  await page.getByLabel('Name').fill('deploy');
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByText('It is shown this once').waitFor();
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('cell', { name: 'deploy' }).first().waitFor();
  await page.getByRole('button', { name: 'End deploy' }).click();
  await page.getByRole('button', { name: 'End it' }).click();
  await page.getByText('No tokens yet').waitFor();
  assert.deepEqual((await api('/tokens')).body.items, []);
  await check([/422/]);
  await close();
});

test('quotas, domains, the audit log and what runs here are shown', async () => {
  const quotas = await open('/settings/quotas');
  await quotas.page.getByLabel('User').fill('ann');
  await quotas.page.getByRole('button', { name: 'Show' }).click();
  await quotas.page.getByLabel('Rate, all runs together', { exact: true }).fill('500');
  await quotas.page.getByRole('button', { name: 'Set', exact: true }).click();
  await quotas.page.getByText('The quota of ann is set').waitFor();
  assert.equal((await api('/quotas/ann')).body.own.maxRate, 500);
  await quotas.check();
  await quotas.close();
  const domains = await open('/settings/domains');
  await domains.page.getByLabel('Domain').fill('example.com');
  await domains.page.getByRole('button', { name: 'Claim it' }).click();
  await domains.page.getByText('_loadcore.example.com').waitFor();
  await domains.check();
  await domains.close();
  const audit = await open('/settings/audit', { viewport: { width: 380, height: 800 } });
  await audit.page.getByText('Domain claimed').waitFor();
  await audit.check();
  await audit.close();
  const about = await open('/settings/about', { colorScheme: 'dark' });
  await about.page.getByText((await api('/about')).body.version).first().waitFor();
  await about.check();
  await about.close();
});

test('the platform is halted with a reason, says so everywhere, and is lifted', async () => {
  const { page, check, close } = await open('/settings/halt');
  assert.ok(await page.getByRole('button', { name: 'Halt everything' }).isDisabled());
  await page.getByLabel('Reason').fill('The wrong target');
  await page.getByRole('button', { name: 'Halt everything' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Halt everything' }).click();
  await page.getByText(/Halted by local/).waitFor();
  assert.equal((await api('/halt')).body.reason, 'The wrong target');
  await check();
  await page.getByRole('button', { name: 'Lift the halt' }).click();
  await page.getByRole('button', { name: 'Lift it' }).click();
  await page.getByText('The platform is not halted').waitFor();
  assert.equal((await api('/halt')).body.halted, false);
  await close();
});
