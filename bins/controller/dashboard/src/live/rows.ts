// Keeps rows of figures as growing columns, at most so many: neighbours become one row when there are more.
import { merged, quantileOf } from './distribution';

/** A view of the rows that there are; what does not exist is NaN. Valid until the next row comes. */
export type Column = Float64Array;

/** What becomes of a figure of two rows that become one. Percentiles are never averaged: they are read anew. */
export type Rule = 'sum' | 'last' | 'max' | 'mean' | { quantile: number };

interface Kept {
  rule: Rule;
  values: Float64Array;
}

interface Read {
  values: Float64Array;
  /** How many of its rows are worked out. */
  valid: number;
}

const START = 64;

export class Rows {
  length = 0;
  /** Counts up with every change. */
  version = 0;
  readonly #columns = new Map<string, Kept>();
  readonly #read = new Map<number, Read>();
  #capacity = START;
  #seconds = new Float64Array(START);
  /** How many rows were told that are one now: the weight of a mean. */
  #parts = new Float64Array(START);
  #distributions: (Uint8Array | null)[] = [];

  /**
   * Of more than `most` rows neighbours become one. So the whole run stays in sight, as it does in the result (which does the same):
   * who looks at an hour does not want its last minutes alone.
   */
  constructor(
    readonly most: number,
    rules: Record<string, Rule>,
    public rowSeconds = 1,
  ) {
    for (const [name, rule] of Object.entries(rules)) this.#columns.set(name, { rule, values: this.#empty(rule) });
  }

  get seconds(): Column {
    return this.#seconds.subarray(0, this.length);
  }

  /** Where the newest row begins; -1 where there is none. */
  get lastSecond(): number {
    return this.length === 0 ? -1 : this.#seconds[this.length - 1]!;
  }

  has(name: string): boolean {
    return this.#columns.has(name);
  }

  /** A column that was not there from the beginning: what was not told before is nothing. */
  provide(name: string, rule: Rule): void {
    if (!this.#columns.has(name)) this.#columns.set(name, { rule, values: this.#empty(rule) });
  }

  column(name: string): Column {
    return this.#columns.get(name)!.values.subarray(0, this.length);
  }

  distribution(row: number): Uint8Array | null {
    return this.#distributions[row] ?? null;
  }

  /** What a share of each row's latencies does not exceed. Only rows that are new are worked out. */
  quantile(q: number): Column {
    for (const { rule, values } of this.#columns.values()) {
      if (typeof rule === 'object' && rule.quantile === q) return values.subarray(0, this.length);
    }
    let read = this.#read.get(q);
    if (!read) this.#read.set(q, (read = { values: new Float64Array(this.#capacity), valid: 0 }));
    if (read.values.length < this.#capacity) read.values = grown(read.values, this.#capacity);
    for (; read.valid < this.length; read.valid += 1) {
      read.values[read.valid] = quantileOf(this.distribution(read.valid), q) ?? NaN;
    }
    return read.values.subarray(0, this.length);
  }

  /** Adds what was told of the time from `second` on. What is earlier than the newest row is not taken: see `cutAt`. */
  append(second: number, figures: Record<string, number>, distribution: Uint8Array | null): void {
    this.version += 1;
    const begin = Math.floor(second / this.rowSeconds) * this.rowSeconds;
    if (this.length > 0 && begin <= this.lastSecond) {
      this.#join(this.length - 1, (name) => figures[name] ?? NaN, 1, distribution);
      this.#forget(this.length - 1);
      return;
    }
    if (this.length === this.most) {
      this.#halve();
      this.append(second, figures, distribution);
      return;
    }
    if (this.length === this.#capacity) this.#grow();
    const row = this.length;
    this.#seconds[row] = begin;
    this.#parts[row] = 1;
    for (const [name, { rule, values }] of this.#columns) values[row] = figures[name] ?? (rule === 'sum' ? 0 : NaN);
    this.#distributions[row] = distribution;
    this.length += 1;
  }

  /** Forgets the rows from this second on. */
  cutAt(second: number): void {
    let length = this.length;
    while (length > 0 && this.#seconds[length - 1]! + this.rowSeconds > second) length -= 1;
    if (length === this.length) return;
    this.version += 1;
    this.length = length;
    this.#distributions.length = length;
    this.#forget(length);
  }

  #empty(rule: Rule): Float64Array {
    return new Float64Array(this.#capacity).fill(rule === 'sum' ? 0 : NaN);
  }

  #forget(from: number): void {
    for (const read of this.#read.values()) read.valid = Math.min(read.valid, from);
  }

  #join(row: number, other: (name: string) => number, parts: number, distribution: Uint8Array | null): void {
    const had = this.distribution(row);
    const both = merged(had, distribution);
    for (const [name, { rule, values }] of this.#columns) {
      values[row] = joined(rule, values[row]!, other(name), this.#parts[row]!, parts, both);
    }
    this.#distributions[row] = both;
    this.#parts[row]! += parts;
  }

  /** Makes rows of twice as many seconds, and again until there is room. */
  #halve(): void {
    while (this.length === this.most) {
      this.rowSeconds *= 2;
      let to = -1;
      for (let from = 0; from < this.length; from += 1) {
        const begin = Math.floor(this.#seconds[from]! / this.rowSeconds) * this.rowSeconds;
        if (to >= 0 && this.#seconds[to] === begin) {
          const at = from;
          this.#join(to, (name) => this.#columns.get(name)!.values[at]!, this.#parts[at]!, this.distribution(at));
          continue;
        }
        to += 1;
        this.#seconds[to] = begin;
        this.#parts[to] = this.#parts[from]!;
        for (const { values } of this.#columns.values()) values[to] = values[from]!;
        this.#distributions[to] = this.#distributions[from] ?? null;
      }
      this.length = to + 1;
      this.#distributions.length = this.length;
      this.#forget(0);
    }
  }

  #grow(): void {
    this.#capacity = Math.min(this.most, this.#capacity * 2);
    this.#seconds = grown(this.#seconds, this.#capacity);
    this.#parts = grown(this.#parts, this.#capacity);
    for (const kept of this.#columns.values()) kept.values = grown(kept.values, this.#capacity);
  }
}

function grown(values: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const more = new Float64Array(capacity);
  more.set(values);
  return more;
}

function joined(rule: Rule, a: number, b: number, partsOfA: number, partsOfB: number, both: Uint8Array | null): number {
  if (typeof rule === 'object') return Number.isNaN(a) ? b : Number.isNaN(b) ? a : (quantileOf(both, rule.quantile) ?? NaN);
  if (rule === 'last') return Number.isNaN(b) ? a : b;
  if (Number.isNaN(a)) return b;
  if (Number.isNaN(b)) return a;
  if (rule === 'sum') return a + b;
  if (rule === 'max') return Math.max(a, b);
  return (a * partsOfA + b * partsOfB) / (partsOfA + partsOfB);
}
