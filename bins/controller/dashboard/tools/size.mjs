// Says what the first load of each page costs, compressed as the controller sends it, and holds it to its limit.
//
//   npm run size
import { readFile, readdir } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const LIMIT = 180_000;
const dist = new URL('../dist/', import.meta.url);
const size = async (path) => gzipSync(await readFile(new URL(path, dist))).length;
const linked = (text) => [...text.matchAll(/assets\/[\w.-]+\.(?:js|css)/g)].map(([path]) => path);

const page = await readFile(new URL('index.html', dist), 'utf8');
const always = new Set(linked(page));
const names = await readdir(new URL('assets/', dist));
const main = [...always].find((path) => /assets\/index-[\w-]+\.js/.test(path));
const script = await readFile(new URL(main, dist), 'utf8');

// The main script names, at each screen's import, the files that come with it: `import("./Run-x.js"),__vite__mapDeps([1,2])`.
const deps = JSON.parse(`[${script.match(/m\.f=\[(.*?)\]/)?.[1] ?? ''}]`);
const screens = new Map();
for (const [, file, list] of script.matchAll(/import\(`?"?'?\.\/([\w-]+\.js)[`"']\)(?:\.then\([^()]*\))?,__vite__mapDeps\(\[([\d,]*)\]\)/g)) {
  screens.set(file.replace(/-[\w-]{8}\.js$/, ''), [`assets/${file}`, ...list.split(',').filter(Boolean).map((place) => deps[Number(place)])]);
}
const router = await readFile(new URL('../src/router.tsx', import.meta.url), 'utf8');
const wanted = new Set([...router.matchAll(/import\('\.\/screens\/[\w/-]*?(\w+)'\)/g)].map(([, name]) => name));
const lacking = [...wanted].filter((name) => !screens.has(name));
if (screens.size === 0 || lacking.length > 0) throw new Error(`${main} does not name ${lacking.join(', ') || 'any screen'}: has the build another form?`);

let worst = 0;
const sizes = new Map(await Promise.all(names.map(async (name) => [`assets/${name}`, await size(`assets/${name}`)])));
const html = gzipSync(page).length;
for (const [screen, files] of [...screens].sort()) {
  const all = new Set([...always, ...files.map((file) => file.replace(/^\//, ''))]);
  const total = html + [...all].reduce((sum, path) => sum + (sizes.get(path) ?? 0), 0);
  worst = Math.max(worst, total);
  console.log(`${screen.padEnd(16)} ${(total / 1000).toFixed(1).padStart(7)} kB gzip in ${all.size + 1} files`);
}
if (worst > LIMIT) {
  console.error(`the first load of a page is ${worst} bytes, and at most ${LIMIT} are allowed`);
  process.exit(1);
}
