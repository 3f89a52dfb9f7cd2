// Turns a controller's /openapi.json into src/api/schema.d.ts, the types of what it answers.
//
//   npm run types [-- URL-OR-FILE] [--check]     by default http://127.0.0.1:8080/openapi.json
//
// --check changes nothing, and fails where the file is not what the controller describes.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

const file = new URL('../src/api/schema.d.ts', import.meta.url);
const check = process.argv.includes('--check');
const from = process.argv.slice(2).find((word) => word !== '--check') ?? 'http://127.0.0.1:8080/openapi.json';
const text = from.startsWith('http') ? await (await fetch(from)).text() : await readFile(from, 'utf8');

// What is answered is described by the schemas; the paths, which repeat every possible error, are ten times as long.
const { openapi, info, components } = JSON.parse(text);
const types = `// Made of /openapi.json by \`npm run types\`. Do not edit.\n\n${astToString(
  await openapiTS(JSON.stringify({ openapi, info, paths: {}, components: { schemas: components.schemas } })),
)}`;

if (!check) {
  await writeFile(file, types);
} else if ((await readFile(file, 'utf8').catch(() => '')) !== types) {
  console.error('src/api/schema.d.ts is not what the controller describes: run `npm run types`');
  process.exit(1);
}
