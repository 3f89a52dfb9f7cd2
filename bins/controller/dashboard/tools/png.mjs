// Turns a picture of 16 million colours into one of 256 at most, which is a fourth of the size: for pictures of pages, which have few.
import { crc32, deflateSync } from 'node:zlib';

/** A PNG, decoded by the browser of `page` and written anew with its most frequent colours. */
export async function fewColours(page, png, colours = 128) {
  const { width, height, bytes } = await page.evaluate(decoded, png.toString('base64'));
  const pixels = new Uint32Array(Uint8Array.from(Buffer.from(bytes, 'base64')).buffer);
  const palette = frequent(pixels, colours);
  const places = new Map(palette.map((colour, place) => [colour, place]));
  const lines = Buffer.alloc((width + 1) * height);
  for (let at = 0; at < pixels.length; at += 1) {
    const colour = pixels[at];
    if (!places.has(colour)) places.set(colour, nearest(palette, colour));
    // Each line begins with its filter, which is none.
    lines[at + Math.floor(at / width) + 1] = places.get(colour);
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', head), chunk('PLTE', Buffer.from(palette.flatMap(parts))),
    chunk('IDAT', deflateSync(lines, { level: 9, memLevel: 9 })), chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** In the browser: the pixels of a PNG, four bytes each. */
async function decoded(base64) {
  const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0))]));
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
  context.drawImage(bitmap, 0, 0);
  const { data, width, height } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  const text = [];
  for (let at = 0; at < data.length; at += 32768) text.push(String.fromCharCode(...data.subarray(at, at + 32768)));
  return { width, height, bytes: btoa(text.join('')) };
}

const parts = (colour) => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];

const apart = (one, other) => {
  const [a, b] = [parts(one), parts(other)];
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
};

const nearest = (palette, colour) => palette.reduce((best, other, place) => (apart(other, colour) < apart(palette[best], colour) ? place : best), 0);

/** The colours that stand for most pixels: one is passed over while one like it is taken already. */
function frequent(pixels, most) {
  const counts = new Map();
  for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a).map(([colour]) => colour);
  const taken = [];
  for (const colour of sorted) {
    if (taken.length === most) break;
    if (taken.every((other) => apart(other, colour) > 60)) taken.push(colour);
  }
  return taken;
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
