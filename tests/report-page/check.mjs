// Makes results, writes a page of each, opens the pages in Chromium and holds them to what they promise:
// no error on the console, nothing asked of the network, nothing serious that axe finds, nothing wider
// than a telephone, values under the pointer and by the keyboard, and a script that no name breaks out of.

import { execFile, spawn } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { bare, hour, withMarkup } from './made.mjs';

const [loadcore, browserPath, folder] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const run = promisify(execFile);
const faults = [];
const expect = (holds, what) => { if (!holds) faults.push(what); };

const call = async (...args) => {
  try {
    return { code: 0, ...await run(loadcore, args, { maxBuffer: 1 << 28, timeout: 60_000 }) };
  } catch (error) {
    return { code: error.code, stdout: error.stdout, stderr: error.stderr };
  }
};

// ---- results

async function target() {
  const args = ['target', '--listen', '127.0.0.1:0', '--latency', 'lognormal(4ms,0.6)', '--errors', '0.5%:503'];
  const child = spawn(loadcore, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const url = await new Promise((resolve, reject) => {
    let said = '';
    const listen = (bytes) => {
      said += bytes;
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
      if (found) resolve(found[0]);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.on('exit', () => reject(new Error(`the target ended: ${said}`)));
    setTimeout(() => reject(new Error(`the target does not say where it listens: ${said}`)), 20_000).unref();
  });
  return { url, end: () => child.kill() };
}

async function results() {
  const { url, end } = await target();
  const names = ['/', '/cart', '/search', '/checkout'].map((path) => `${url}${path}`);
  const runs = {
    mix: [...names, '-r', '200', '-d', '4s', '--sla', 'p99<250ms', '--sla', 'error_rate<5%', '--sla', 'achieved_rate>=95%'],
    violated: [url, '-r', '100', '-d', '2s', '--sla', 'p99<1ms', '--sla', 'ok_p50<1s'],
    closed: [url, '-c', '4', '-d', '2s', '--sla', 'error_rate<50%'],
    one: [url, '-r', '1', '-n', '1'],
    unsent: [url, '-r', '0.01', '-d', '1s'],
    failed: [`${url}/status/503`, '-r', '50', '-d', '2s'],
    refused: ['http://127.0.0.1:9/', '-r', '20', '-d', '1s', '--sla', 'error_rate<1%'],
  };
  const made = {};
  try {
    for (const [name, args] of Object.entries(runs)) {
      const { stdout, stderr } = await call('run', ...args, '-q', '-o', 'json', '-o', `html=${join(folder, `direct-${name}.html`)}`);
      if (!stdout) throw new Error(`no result of ${name}: ${stderr}`);
      made[name] = JSON.parse(stdout);
    }
  } finally {
    end();
  }
  made.hour = hour(made.mix, 10);
  made.hundred = hour(made.mix, 100);
  made.markup = withMarkup(made.mix);
  made.bare = bare(made.mix);
  return made;
}

const file = (name, ending) => join(folder, `${name}.${ending}`);

async function pages(made) {
  for (const [name, result] of Object.entries(made)) {
    writeFileSync(file(name, 'json'), JSON.stringify(result));
    const { code, stderr } = await call('report', file(name, 'json'), '-o', `html=${file(name, 'html')}`, '-o', `junit=${file(name, 'xml')}`);
    if (code !== 0) throw new Error(`${name}: report ends with ${code}: ${stderr}`);
    const size = statSync(file(name, 'html')).size;
    expect(size < 400_000, `${name}: the page has ${size} bytes`);
  }
  const direct = readFileSync(join(folder, 'direct-mix.html'), 'utf8');
  expect(direct === readFileSync(file('mix', 'html'), 'utf8'), 'a run writes the same page as report does of its result');
}

/** What is no result is refused, by its name and what is wrong with it. */
async function refusals(made) {
  const text = JSON.stringify(made.one);
  const cases = {
    damaged: [text.slice(0, text.length / 2), 'not a result document'],
    newer: [JSON.stringify({ ...made.one, schemaVersion: 99 }), 'schemaVersion 99'],
    other: ['{"a": 1}', 'schemaVersion'],
    empty: ['', 'not a result document'],
  };
  for (const [name, [content, expected]] of Object.entries(cases)) {
    const path = file(name, 'json');
    writeFileSync(path, content);
    const { code, stderr } = await call('report', path, '-o', `html=${file(name, 'html')}`);
    expect(code === 2 && stderr.includes(path) && stderr.includes(expected), `${name}: ${code}, ${stderr}`);
  }
  const missing = await call('report', file('missing', 'json'));
  expect(missing.code === 2 && missing.stderr.includes('missing.json'), `missing: ${missing.stderr}`);
}

// ---- pages

async function opened(context, name) {
  const page = await context.newPage();
  const url = pathToFileURL(file(name, 'html')).href;
  const fault = (what) => faults.push(`${name}: ${what}`);
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) fault(`console: ${message.text()}`); });
  page.on('pageerror', (error) => fault(`script: ${error.message}`));
  page.on('dialog', (dialog) => { fault('a dialog'); dialog.dismiss(); });
  page.on('request', (request) => { if (request.url() !== url && !request.url().startsWith('data:')) fault(`asks for ${request.url()}`); });
  await page.goto(url);
  await page.waitForTimeout(150);
  return page;
}

async function fits(page, name) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over <= 0, `${name}: ${over} px too wide`);
}

async function withoutBarriers(page, name) {
  // The page's policy lets no script in: axe is evaluated, not written into it.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  for (const { id, impact, nodes } of violations.filter((it) => ['serious', 'critical'].includes(it.impact))) {
    faults.push(`${name}: axe, ${impact}, ${id}: ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary}`);
  }
}

async function answers(page, name) {
  const boxes = page.locator('.plot');
  const drawn = await boxes.count();
  const figures = await page.locator('figure[data-plot]').count();
  expect(drawn === figures, `${name}: ${drawn} of ${figures} plots are drawn`);
  if (drawn === 0) return;
  const box = boxes.first();
  await box.scrollIntoViewIfNeeded();
  await box.hover({ position: { x: 120, y: 60 } });
  const tip = page.locator('.tip').first();
  expect(await tip.isVisible() && /p99.*\d/s.test(await tip.innerText()), `${name}: no value under the pointer`);
  await page.mouse.move(0, 0);
  await box.focus();
  await page.keyboard.press('End');
  expect(/p99 .*\d/.test(await box.getAttribute('aria-valuetext')), `${name}: no value by the keyboard`);
  const table = page.locator('figure details').first();
  await table.locator('summary').click();
  await table.locator('tbody tr').first().waitFor();
  const [rows, columns] = [await table.locator('tbody tr').count(), Number(await box.getAttribute('aria-valuemax')) + 1];
  expect(rows === columns, `${name}: the table has ${rows} rows for ${columns} columns`);
  await table.locator('summary').click();
}

/** JUnit's XML is XML, and its counts are those of its tests. */
async function suites(browser, names) {
  const page = await browser.newPage();
  for (const name of names) {
    const told = await page.evaluate((text) => {
      const xml = new DOMParser().parseFromString(text, 'application/xml');
      const number = (tag) => xml.querySelectorAll(`testcase${tag}`).length;
      const suite = xml.querySelector('testsuite');
      const said = ['tests', 'failures', 'errors'].map((key) => Number(suite?.getAttribute(key)));
      return { fault: xml.querySelector('parsererror')?.textContent, said, counted: [number(''), number(' > failure'), number(' > error')] };
    }, readFileSync(file(name, 'xml'), 'utf8'));
    expect(!told.fault && told.said.join() === told.counted.join(), `${name}: junit ${JSON.stringify(told)}`);
  }
  await page.close();
}

async function look(browser, names) {
  const looks = {
    light: { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
    dark: { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
    narrow: { viewport: { width: 380, height: 800 }, colorScheme: 'light', isMobile: true, hasTouch: true },
  };
  for (const [look, options] of Object.entries(looks)) {
    const context = await browser.newContext({ ...options, reducedMotion: 'reduce' });
    for (const name of names) {
      const page = await opened(context, name);
      const what = `${name}, ${look}`;
      await fits(page, what);
      await page.screenshot({ path: file(`${name}-${look}`, 'png'), fullPage: true });
      if (look !== 'narrow') await answers(page, what);
      // What axe looks at most, colours, differs by the look.
      if (look !== 'narrow' || name === 'hour') await withoutBarriers(page, what);
      if (look === 'light') await page.pdf({ path: file(name, 'pdf'), format: 'A4', printBackground: true });
      expect(await page.title() !== 'broken out', `${what}: a name broke out of its place`);
      await page.close();
    }
    await context.close();
  }
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await opened(context, 'hour');
  expect((await page.locator('main').innerText()).includes('p95<20ms'), 'without a script the page says what came of the rules');
  await context.close();
}

const made = process.env.PAGES_ARE_THERE ? null : await results();
if (made) {
  await pages(made);
  await refusals(made);
}
const names = ['mix', 'violated', 'closed', 'one', 'unsent', 'failed', 'refused', 'hour', 'hundred', 'markup', 'bare'];
const browser = await chromium.launch({
  executablePath: browserPath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
});
try {
  await suites(browser, names);
  await look(browser, names);
} finally {
  await browser.close();
}
for (const fault of faults) console.error(fault);
console.log(`${names.length} pages, ${faults.length} faults`);
process.exitCode = faults.length ? 1 : 0;
