// Puts up what a test in a browser needs: a controller with its page, a target, Chromium.
//
// The controller is LOADCORE_CONTROLLER_BIN, else the workspace's debug build; the browser CHROMIUM, else /usr/bin/chromium.
import { spawn } from 'node:child_process';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const binary = process.env.LOADCORE_CONTROLLER_BIN ?? fileURLToPath(new URL('../../../../target/debug/loadcore-controller', import.meta.url));
const DEADLINE_MS = 60_000;
export const SIZES = { desk: { width: 1440, height: 900 }, phone: { width: 380, height: 780 }, huge: { width: 3840, height: 2160 } };

/** Waits until `holds` answers something true, and answers that. */
export async function until(holds, what, deadlineMs = DEADLINE_MS) {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await holds();
    if (found) return found;
    if (performance.now() > end) throw new Error(`it did not come about within ${deadlineMs / 1000} s that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const freePort = () => new Promise((resolve) => { const server = createNetServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); }); });

/** A controller with a folder and a port of its own, which it keeps when it is killed and started again. */
class Controller {
  #options;
  #child;
  #said = '';

  constructor(options) {
    this.#options = options;
  }

  async start() {
    this.port ??= await freePort();
    this.folder ??= await mkdtemp(join(tmpdir(), 'loadcore-e2e-'));
    this.url = `http://127.0.0.1:${this.port}`;
    const child = spawn(binary, ['--listen', `127.0.0.1:${this.port}`, '--data-dir', this.folder, ...this.#options], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LOADCORE_LOG: 'warn' } });
    child.stderr.on('data', (part) => (this.#said = (this.#said + part).slice(-4000)));
    this.#child = child;
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`the controller ended with ${child.exitCode}: ${this.#said}`);
      return (await fetch(`${this.url}/actuator/health/readiness`).catch(() => null))?.ok;
    }, 'the controller is ready');
    return this;
  }

  /** As a power cut ends it. */
  async kill(signal = 'SIGKILL') {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async stop() {
    await this.kill('SIGTERM');
    await rm(this.folder, { recursive: true, force: true });
  }

  async ask(path, { method = 'GET', body } = {}) {
    const response = await fetch(`${this.url}/api/v1${path}`, { method, headers: body === undefined ? {} : { 'Content-Type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? null : response.json();
  }

  /** The run once it has ended. */
  end(id) {
    return until(async () => {
      const run = await this.ask(`/runs/${id}`);
      return ['COMPLETED', 'ABORTED', 'FAILED'].includes(run.state) && run;
    }, `the run ${id} ends`);
  }

  /** Makes a scenario and runs it to its end. */
  async run(document) {
    return this.end((await this.ask('/scenarios', { method: 'POST', body: document })).runId);
  }
}

/** Starts a controller of its own with `options`. */
export const startController = (options = []) => new Controller(options).start();

/** A server that answers after some milliseconds; `/bad` fails. It counts what it was asked. */
export async function startTarget(delayMs = 3) {
  const target = { asked: 0, delayMs };
  const server = createServer((request, response) => {
    target.asked += 1;
    request.resume();
    setTimeout(() => response.writeHead(request.url.startsWith('/bad') ? 500 : 200).end('ok'), target.delayMs);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  target.url = `http://127.0.0.1:${server.address().port}/`;
  target.close = () => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve)));
  return target;
}

export const startBrowser = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--force-color-profile=srgb'] });

/** A page in a browser profile of its own. What it complains of is in `page.complaints`. */
export async function openPage(browser, { size = SIZES.desk, dark = false } = {}) {
  const context = await browser.newContext({ viewport: size, colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce', locale: 'en', timezoneId: 'UTC' });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(error.message));
  // That a call was answered by an error, or by nobody, Chromium notes by itself; the page tells it.
  page.on('console', (message) => message.type() === 'error' && !/Failed to load resource|WebSocket connection to/.test(message.text()) && page.complaints.push(message.text()));
  return page;
}

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds that is serious or critical, a line each. */
export async function axe(page) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, help, nodes }) => `${id}: ${help} (${nodes.slice(0, 3).map(({ target }) => target.join(' ')).join('; ')})`);
}

/** By how many pixels the page is wider than its window. */
export const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
