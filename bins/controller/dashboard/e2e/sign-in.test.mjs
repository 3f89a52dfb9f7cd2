// Holds, in a browser and against a controller: who is not signed in asks nothing; each way to sign in works; tokens are renewed
// in silence and by one tab alone; a refusal is told; nobody sees what is another's.
//
//   node --test e2e/sign-in.test.mjs
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startBrowser, startController, until } from './stand.mjs';
import { KEY, startSupabase } from './supabase.mjs';

let supabase, controller, browser;

before(async () => {
  supabase = await startSupabase();
  controller = await startController(['--supabase-url', supabase.url, '--supabase-publishable-key', KEY]);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await controller?.stop();
  await supabase?.close();
});
beforeEach(() => {
  supabase.log.length = 0;
  supabase.setExpires(3600);
  supabase.setDenies(false);
});

/** A browser of its own, with what went wrong in it and what it asked of the API. */
async function visitor() {
  const context = await browser.newContext();
  const [errors, calls] = [[], []];
  context.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  context.on('weberror', (error) => errors.push(error.error().message));
  context.on('request', (request) => {
    const path = new URL(request.url()).pathname;
    if (path.startsWith('/api/v1/')) calls.push(path);
  });
  return { context, page: await context.newPage(), errors, calls };
}

async function signIn(page, email, path = '/') {
  await page.goto(`${controller.url}${path}`);
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill('secret');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

test('who is not signed in asks nothing, signs in, and is led back', async () => {
  const { context, page, errors, calls } = await visitor();
  await page.goto(`${controller.url}/workers`);
  await page.getByLabel('E-mail').waitFor();
  assert.deepEqual([...new Set(calls)], ['/api/v1/about']);
  assert.equal(new URL(page.url()).searchParams.get('to'), '/workers');
  await signIn(page, 'ann@example.com', new URL(page.url()).pathname + new URL(page.url()).search);
  assert.equal(new URL(page.url()).pathname, '/workers');
  await page.getByText('ann@example.com').waitFor();
  await page.reload();
  await page.getByText('ann@example.com').waitFor();
  assert.deepEqual(supabase.log, ['password']);
  assert.deepEqual(errors, []);
  await context.close();
});

test('a wrong password is told, and leads nowhere', async () => {
  const { context, page } = await visitor();
  await page.goto(`${controller.url}/sign-in?to=//evil.example/`);
  await page.getByLabel('E-mail').fill('ann@example.com');
  await page.getByLabel('Password').fill('guess');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByText('Invalid login credentials').waitFor();
  await page.getByLabel('Password').fill('secret');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  assert.equal(page.url(), `${controller.url}/`);
  await context.close();
});

test('another service signs in, and the way back is kept', async () => {
  const { context, page, errors } = await visitor();
  await page.goto(`${controller.url}/capacity`);
  await page.getByRole('button', { name: 'Continue with GitHub' }).click();
  await page.getByText('ann@example.com').waitFor();
  assert.equal(page.url(), `${controller.url}/capacity`);
  assert.deepEqual(supabase.log, ['authorize', 'pkce']);
  assert.equal(await page.evaluate(() => sessionStorage.getItem('loadcore.sign-in')), null, 'the secret is forgotten');
  assert.deepEqual(errors, []);
  await context.close();
});

test('what another service refuses is told; a code that nobody here asked for signs in nobody', async () => {
  const { context, page } = await visitor();
  supabase.setDenies(true);
  await page.goto(controller.url);
  await page.getByRole('button', { name: 'Continue with Google' }).click();
  await page.getByText('The user has denied access').waitFor();
  await page.evaluate(() => sessionStorage.clear());
  await page.goto(`${controller.url}/sign-in?code=abc`);
  await page.getByText('It was not begun in this browser').waitFor();
  assert.deepEqual(supabase.log, ['authorize']);
  assert.equal(await page.evaluate(() => localStorage.getItem('loadcore.session')), null);
  await context.close();
});

test('a link in a mail signs in, in another tab, once', async () => {
  const { context, page } = await visitor();
  await page.goto(`${controller.url}/scenarios`);
  await page.getByLabel('E-mail').fill('bob@example.com');
  await page.getByRole('button', { name: 'Send me a link instead' }).click();
  await page.getByText('A link is on its way').waitFor();
  const link = supabase.mail('bob@example.com');
  const opened = await context.newPage();
  await opened.goto(link);
  await opened.getByText('bob@example.com').waitFor();
  assert.equal(new URL(opened.url()).pathname, '/scenarios');
  await opened.getByRole('button', { name: 'Sign out' }).click();
  await opened.getByLabel('E-mail').waitFor();
  await opened.goto(link);
  await opened.getByText('This link was used already').waitFor();
  await context.close();
});

test('tokens are renewed before their end, by one of several tabs', async () => {
  const { context, page, errors, calls } = await visitor();
  // Good for 8 s, and so renewed after 4.
  supabase.setExpires(8);
  await signIn(page, 'ann@example.com');
  const others = await Promise.all([context.newPage(), context.newPage()]);
  await Promise.all(others.map((other) => other.goto(`${controller.url}/workers`)));
  const first = await page.evaluate(() => localStorage.getItem('loadcore.session'));
  supabase.setExpires(3600);
  await until(async () => (await page.evaluate(() => localStorage.getItem('loadcore.session'))) !== first, 'the token is renewed');
  await new Promise((resolve) => setTimeout(resolve, 6000));
  assert.equal(supabase.log.filter((what) => what === 'refresh').length, 1);
  for (const tab of [page, ...others]) await tab.getByRole('button', { name: 'Sign out' }).waitFor();
  assert.ok(calls.length > 10);
  assert.deepEqual(errors, []);
  await context.close();
});

test('a session that is over is told, in every tab, and leads back after signing in again', async () => {
  const { context, page } = await visitor();
  supabase.setExpires(6);
  await signIn(page, 'ann@example.com', '/workers');
  const other = await context.newPage();
  await other.goto(controller.url);
  supabase.revokeAll();
  await page.getByText('Your session is over').waitFor();
  await other.getByLabel('E-mail').waitFor();
  supabase.setExpires(3600);
  await page.getByLabel('E-mail').fill('ann@example.com');
  await page.getByLabel('Password').fill('secret');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByText('ann@example.com').waitFor();
  assert.equal(page.url(), `${controller.url}/workers`);
  await context.close();
});

test('signing out ends it here, there, and in the other tabs', async () => {
  const { context, page } = await visitor();
  await signIn(page, 'ann@example.com');
  const other = await context.newPage();
  await other.goto(`${controller.url}/workers`);
  await other.getByRole('button', { name: 'Sign out' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('E-mail').waitFor();
  await other.getByLabel('E-mail').waitFor();
  await until(() => supabase.log.includes('logout'), 'the sign-in heard of it');
  assert.equal(await page.evaluate(() => localStorage.getItem('loadcore.session')), null);
  await page.goBack();
  await page.getByLabel('E-mail').waitFor();
  await context.close();
});

test('a token can be pasted, and one that is not accepted is told why', async () => {
  const { context, page } = await visitor();
  await page.goto(`${controller.url}/workers`);
  const paste = async (token) => {
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  };
  await page.getByRole('button', { name: 'Use a token instead' }).click();
  await paste(supabase.forged('ann@example.com'));
  await page.getByText('The controller does not take this sign-in').waitFor();
  await paste(supabase.token('ann@example.com', { aud: 'others' }));
  await page.getByText('The controller does not take this sign-in').waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem('loadcore.session')), null);
  await paste(`Bearer ${supabase.token('ann@example.com')}`);
  await page.getByText('ann@example.com').waitFor();
  assert.equal(page.url(), `${controller.url}/workers`);
  await context.close();
});

test('what is kept and not accepted any more is told, and asked once', async () => {
  const { context, page, calls } = await visitor();
  await context.addInitScript((token) => !sessionStorage.getItem('given') && (sessionStorage.setItem('given', '1'), localStorage.setItem('loadcore.session', JSON.stringify({ accessToken: token, refreshToken: null, endsAt: null, email: null }))), supabase.token('ann@example.com', { role: 'anon' }));
  await page.goto(`${controller.url}/workers`);
  await page.getByLabel('E-mail').waitFor();
  assert.ok((await page.getByRole('alert').first().innerText()).length > 10, 'it says why');
  const asked = calls.length;
  await new Promise((resolve) => setTimeout(resolve, 3000));
  assert.deepEqual(calls.slice(asked).filter((path) => path !== '/api/v1/about'), []);
  await context.close();
});

test('nobody sees what is another\'s, nor after them in the same browser', async () => {
  const token = supabase.token('ann@example.com');
  const made = await fetch(`${controller.url}/api/v1/scenarios`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'A secret of Ann', targetUrl: 'https://example.com/', durationSeconds: 5, autoStart: false }),
  });
  assert.equal(made.status, 201);
  const { id } = await made.json();
  const { context, page } = await visitor();
  await signIn(page, 'ann@example.com', `/compare`);
  const seen = () => page.evaluate(async (id) => (await fetch(`/api/v1/scenarios/${id}`, { headers: { Authorization: `Bearer ${JSON.parse(localStorage.getItem('loadcore.session')).accessToken}` } })).status, id);
  assert.equal(await seen(), 200);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('E-mail').fill('bob@example.com');
  await page.getByLabel('Password').fill('secret');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByText('bob@example.com').waitFor();
  assert.equal(await seen(), 404);
  await page.goto(`${controller.url}/scenarios`);
  await page.getByText('bob@example.com').waitFor();
  assert.equal(await page.getByText('A secret of Ann').count(), 0);
  await context.close();
});
