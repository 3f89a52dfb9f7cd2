// Puts up what a test in a browser needs: a controller with its page, and Chromium.
//
// The controller is LOADCORE_CONTROLLER_BIN, else the workspace's debug build. Where it serves no page of its own, the sources are served beside it.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = fileURLToPath(new URL('..', import.meta.url));
const binary = process.env.LOADCORE_CONTROLLER_BIN ?? join(here, '../../../target/debug/loadcore-controller');
const DEADLINE_MS = 30_000;

const freePort = () => new Promise((resolve) => { const server = createNetServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); }); });

/** Starts a controller of its own with `options`; answers `{url, page, stop}`, `page` where its dashboard is. */
export async function startController(options = []) {
  const [port, dir] = [await freePort(), await mkdtemp(join(tmpdir(), 'loadcore-e2e-'))];
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(binary, ['--listen', `127.0.0.1:${port}`, '--data-dir', dir, ...options], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LOADCORE_LOG: 'warn' } });
  let said = '';
  child.stderr.on('data', (part) => (said = (said + part).slice(-4000)));
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`the controller ended with ${child.exitCode}: ${said}`);
    return (await fetch(`${url}/actuator/health`).catch(() => null))?.ok;
  }, 'the controller is up');
  const vite = (await (await fetch(url)).text()).includes('id="root"') ? null : await serveSources(url);
  return {
    url,
    page: vite ? vite.url : url,
    stop: async () => {
      await vite?.close();
      child.kill();
      await new Promise((resolve) => (child.exitCode !== null ? resolve() : child.once('exit', resolve)));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function serveSources(controller) {
  process.env.LOADCORE_CONTROLLER = controller;
  const { createServer } = await import('vite');
  const port = await freePort();
  const server = await createServer({ root: here, configFile: join(here, 'vite.config.ts'), logLevel: 'error', server: { port, strictPort: true, host: '127.0.0.1' } });
  await server.listen();
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** Waits until `holds` answers something true, and answers that. */
export async function until(holds, what, deadlineMs = DEADLINE_MS) {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const found = await holds();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it did not come about within ${deadlineMs / 1000} s that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export const startBrowser = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
