// Turns a histogram in HdrHistogram's encoding into its buckets, and those into the exact quantiles of a whole run.

/** All values of a bucket are taken for its upper edge, as the result's own percentiles are. */
export interface Bucket {
  ms: number;
  count: number;
}

/** All latencies of a run, as exactly as they were recorded. */
export class Exact {
  readonly total: number;

  constructor(readonly buckets: readonly Bucket[]) {
    this.total = buckets.reduce((sum, { count }) => sum + count, 0);
  }

  /** What a share `q` (0 to 1) does not exceed, in milliseconds; null where there is nothing. */
  quantile(q: number): number | null {
    let left = Math.max(1, Math.ceil(q * this.total));
    for (const { ms, count } of this.buckets) {
      left -= count;
      if (left <= 0) return ms;
    }
    return this.buckets.at(-1)?.ms ?? null;
  }
}

/** As a result has it. */
export interface EncodedHistogram {
  hdr: string;
  aboveRange?: { count: number; maxNs: number; sumNs: number };
}

const COMPRESSED = 0x1c849304;
const PLAIN = 0x1c849303;
/** The size of a count's word stands in the cookie, and is of no matter in this encoding. */
const WORD = ~0xf0;
const HEAD = 40;
const NS = 1e-6;

/** Null where it is damaged, or of an encoding that is not known. */
export async function exactOf(histogram: EncodedHistogram | null | undefined): Promise<Exact | null> {
  if (typeof histogram?.hdr !== 'string') return null;
  try {
    const outer = Uint8Array.from(atob(histogram.hdr), (letter) => letter.charCodeAt(0));
    const view = new DataView(outer.buffer);
    if ((view.getUint32(0) & WORD) !== COMPRESSED) return null;
    const buckets = bucketsOf(await inflated(outer.subarray(8, 8 + view.getUint32(4))));
    if (!buckets) return null;
    const above = histogram.aboveRange;
    if (above && above.count > 0) buckets.push({ ms: above.maxNs * NS, count: above.count });
    return new Exact(buckets);
  } catch {
    return null;
  }
}

async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<DataView> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new DataView(await new Response(stream).arrayBuffer());
}

function bucketsOf(view: DataView): Bucket[] | null {
  if ((view.getUint32(0) & WORD) !== PLAIN) return null;
  const length = view.getUint32(4);
  const digits = view.getUint32(12);
  const lowest = Number(view.getBigInt64(16));
  const unit = Math.floor(Math.log2(Math.max(1, lowest)));
  const half = Math.ceil(Math.log2(2 * 10 ** digits)) - 1;
  const buckets: Bucket[] = [];
  let [index, at] = [0, HEAD];
  const end = Math.min(view.byteLength, HEAD + length);
  while (at < end) {
    const [number, next] = zigZag(view, at);
    at = next;
    if (number < 0) {
      index -= number;
      continue;
    }
    if (number > 0) buckets.push({ ms: upperEdge(index, half, unit) * NS, count: number });
    index += 1;
  }
  return buckets;
}

/** Seven bits a byte, the lowest first, the ninth byte whole; the lowest bit is the sign. */
function zigZag(view: DataView, from: number): [number: number, next: number] {
  let [value, at, shift] = [0n, from, 0n];
  for (;;) {
    const byte = view.getUint8(at);
    at += 1;
    const isLast = shift === 56n;
    value |= BigInt(isLast ? byte : byte & 127) << shift;
    if (isLast || byte < 128) break;
    shift += 7n;
  }
  return [Number((value >> 1n) ^ -(value & 1n)), at];
}

function upperEdge(index: number, half: number, unit: number): number {
  const count = 2 ** half;
  const bucket = Math.floor(index / count) - 1;
  const [place, power] = bucket < 0 ? [index, unit] : [(index % count) + count, bucket + unit];
  return (place + 1) * 2 ** power - 1;
}
