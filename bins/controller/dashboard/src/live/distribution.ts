// Decodes a row's compact distribution (docs/results.md) into counts by bucket, and reads percentiles from them.

/** How many buckets there are; the last one counts what took more than an hour, and has no end. */
export const PLACES = 476;

/** Where the bucket at a place begins, in nanoseconds. */
export function edgeNs(place: number): number {
  const doublings = Math.max(Math.floor(place / 16) - 1, 0);
  return (place - 16 * doublings) * 512 * 2 ** doublings;
}

/** Where each bucket begins, in milliseconds; one more than there are, so that each has an end here. */
export const EDGES_MS: Float64Array = Float64Array.from({ length: PLACES + 1 }, (_, place) => edgeNs(place) / 1e6);

/** What a bucket counts is told as its middle; of the endless one, where it begins. */
const middleMs = (place: number): number =>
  place >= PLACES - 1 ? EDGES_MS[PLACES - 1]! : (EDGES_MS[place]! + EDGES_MS[place + 1]!) / 2;

/** The bytes that a text of a frame stands for; null where it is no such text. */
export function bytesOf(text: unknown): Uint8Array | null {
  if (typeof text !== 'string' || text === '') return null;
  let raw: string;
  try {
    raw = atob(text);
  } catch {
    return null;
  }
  const bytes = new Uint8Array(raw.length);
  for (let n = 0; n < raw.length; n += 1) bytes[n] = raw.charCodeAt(n);
  return isWhole(bytes) ? bytes : null;
}

/** Calls `each` for every bucket that counts something, lowest first; answers whether the bytes were whole to their end. */
export function eachBucket(bytes: Uint8Array, each: (place: number, count: number) => void): boolean {
  let [number, factor] = [0, 1];
  let place = -1;
  let skips = false;
  for (const byte of bytes) {
    // No shifts: counts may have more than 31 bits.
    number += (byte & 127) * factor;
    factor *= 128;
    if (byte > 127) {
      if (factor > 2 ** 49) return false;
      continue;
    }
    if (place < 0) place = number;
    else if (skips) [place, skips] = [place + number, false];
    else if (number === 0) skips = true;
    else {
      if (place >= PLACES) return false;
      each(place, number);
      place += 1;
    }
    [number, factor] = [0, 1];
  }
  return factor === 1 && !skips && place >= 0;
}

const isWhole = (bytes: Uint8Array): boolean => {
  let any = false;
  return eachBucket(bytes, () => (any = true)) && any;
};

/** What a share `q` (0 to 1) of a row's latencies does not exceed, read without making its counts. */
export function quantileOf(bytes: Uint8Array | null, q: number): number | null {
  if (!bytes) return null;
  let total = 0;
  eachBucket(bytes, (_, count) => (total += count));
  let left = Math.max(1, Math.ceil(q * total));
  let found: number | null = null;
  eachBucket(bytes, (place, count) => {
    if (left > 0 && (left -= count) <= 0) found = middleMs(place);
  });
  return found;
}

/** Counts of durations, sixteen buckets to a doubling. */
export class Distribution {
  /** By place. */
  readonly counts = new Float64Array(PLACES);
  total = 0;

  /** Of a frame's text; null where there is none, or it is damaged. */
  static of(text: unknown): Distribution | null {
    const bytes = bytesOf(text);
    return bytes && Distribution.ofBytes(bytes);
  }

  static ofBytes(bytes: Uint8Array): Distribution {
    return new Distribution().addBytes(bytes);
  }

  addBytes(bytes: Uint8Array | null): this {
    if (bytes) {
      eachBucket(bytes, (place, count) => {
        this.counts[place]! += count;
        this.total += count;
      });
    }
    return this;
  }

  add(other: Distribution): this {
    for (let place = 0; place < PLACES; place += 1) this.counts[place]! += other.counts[place]!;
    this.total += other.total;
    return this;
  }

  /** What a share `q` (0 to 1) of the latencies does not exceed, in milliseconds; null where there are none. */
  quantile(q: number): number | null {
    if (this.total === 0) return null;
    let left = Math.max(1, Math.ceil(q * this.total));
    for (let place = 0; place < PLACES; place += 1) {
      left -= this.counts[place]!;
      if (left <= 0) return middleMs(place);
    }
    return middleMs(PLACES - 1);
  }

  /** The compact form again, so that what was added up is kept in some hundred bytes; null where there is nothing. */
  toBytes(): Uint8Array | null {
    const first = this.counts.findIndex((count) => count > 0);
    if (first < 0) return null;
    const bytes: number[] = [];
    const write = (number: number): void => {
      let rest = number;
      while (rest > 127) {
        bytes.push((rest % 128) + 128);
        rest = Math.floor(rest / 128);
      }
      bytes.push(rest);
    };
    write(first);
    let empty = 0;
    for (let place = first; place < PLACES; place += 1) {
      const count = this.counts[place]!;
      if (count === 0) {
        empty += 1;
        continue;
      }
      if (empty > 0) {
        write(0);
        write(empty);
        empty = 0;
      }
      write(count);
    }
    return Uint8Array.from(bytes);
  }
}

/** Two rows' latencies as one row's. */
export function merged(a: Uint8Array | null, b: Uint8Array | null): Uint8Array | null {
  if (!a || !b) return a ?? b;
  return Distribution.ofBytes(a).addBytes(b).toBytes();
}
