// Holds src/api/schema.d.ts against what the controller describes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startController } from './stand.mjs';

test('the types are those of the controller', async () => {
  const controller = await startController();
  try {
    const types = fileURLToPath(new URL('../tools/types.mjs', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [types, `${controller.url}/openapi.json`, '--check'], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  } finally {
    await controller.stop();
  }
});
