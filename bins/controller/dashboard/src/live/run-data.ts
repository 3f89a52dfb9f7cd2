// Turns a run's frames, or its result, into columns that plots draw.
import type { components } from '../api/schema';
import { bytesOf, Distribution } from './distribution';
import { Rows, type Column, type Rule } from './rows';

export type Frame = components['schemas']['Frame'];
type RunState = components['schemas']['RunState'];

/** As the timeline shows it. */
export interface RunEvent {
  at: string;
  /** Seconds since the start; null of what was before it. */
  atSeconds: number | null;
  kind: string;
  text: string;
  data: Record<string, unknown> | null;
}

export interface RunEnd {
  state: RunState;
  complete: boolean | null;
}

/** What a worker did in its newest row: the keys that it has in the result. */
export interface WorkerFigures {
  worker: string;
  due: number;
  sent: number;
  ok: number;
  failed: number;
  dropped: number;
  inFlight: number;
  backlog: number;
  achievedRps: number | null;
  p50Ms: number | null;
  p99Ms: number | null;
  scheduleLagP99Ms: number | null;
  pacerLagP99Ms: number | null;
  cpuShare: number | null;
  lateShare: number | null;
  stalledShare: number | null;
  shortageShare: number | null;
}

/** What the columns are made of, whatever else a result holds. */
export interface ResultLike {
  durationSeconds: number | null;
  loop: 'open' | 'closed';
  seriesSeconds: number;
  series: readonly SeriesRow[];
  requests: readonly { name: string; seriesSeconds: number; series: readonly SeriesRow[] }[];
  workers: readonly object[];
}

interface SeriesRow {
  second: number;
  due: number;
  sent: number;
  ok: number;
  failed: number;
  dropped: number;
  backlog: number;
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
  maxMs: number | null;
  distribution?: string | null;
}

/** As many as the result's series has, so that the end of a run changes nothing in its plots. */
const MOST_ROWS = 3600;
/** A request's table and its small plots need no more; with a hundred names it is a matter of memory. */
const MOST_REQUEST_ROWS = 600;
const MOST_REQUESTS = 100;
const MOST_CLASSES = 40;
const MOST_WORKERS = 1000;
const MOST_EVENTS = 1000;
const COURSE = 120;
/** How far a frame may go back: a controller that takes over tells some seconds again. */
const MOST_SECONDS_BACK = 120;
/** Thirty years: what is beyond is no second of a run. */
const MOST_SECOND = 1e9;

const PERCENTILES: Record<string, Rule> = {
  p50Ms: { quantile: 0.5 },
  p95Ms: { quantile: 0.95 },
  p99Ms: { quantile: 0.99 },
  maxMs: 'max',
};
const COUNTS: Record<string, Rule> = { due: 'sum', sent: 'sum', ok: 'sum', failed: 'sum', dropped: 'sum', backlog: 'last', rps: 'mean' };
const RUN_RULES: Record<string, Rule> = { ...COUNTS, ...PERCENTILES, offeredRps: 'mean', inFlight: 'last', activeWorkers: 'last', total: 'sum', told: 'sum' };
const REQUEST_RULES: Record<string, Rule> = { ...COUNTS, ...PERCENTILES, total: 'sum' };

const ERROR = 'error:';
const STATUS = 'status:';
const OTHER = 'other';

/** A request of the mix over time, along `seconds` of its own. */
export class RequestData {
  readonly rows: Rows;
  constructor(
    readonly name: string,
    rowSeconds = 1,
  ) {
    this.rows = new Rows(MOST_REQUEST_ROWS, REQUEST_RULES, rowSeconds);
  }
  get seconds(): Column { return this.rows.seconds; }
  get rps(): Column { return this.rows.column('rps'); }
  get p50(): Column { return this.rows.column('p50Ms'); }
  get p95(): Column { return this.rows.column('p95Ms'); }
  get p99(): Column { return this.rows.column('p99Ms'); }
  get failed(): Column { return this.rows.column('failed'); }
  get ok(): Column { return this.rows.column('ok'); }
  /** Requests with an outcome. */
  get total(): Column { return this.rows.column('total'); }
  quantile(q: number): Column { return this.rows.quantile(q); }
  distribution(): Distribution { return sumOf(this.rows, 0, this.rows.length); }
}

const COURSES = ['seconds', 'rps', 'p99', 'cpu', 'late', 'lag', 'inFlight'] as const;
export type Course = Record<(typeof COURSES)[number], Column>;

/** A worker: what it did in its newest row, and a short course. */
export class WorkerData {
  figures: WorkerFigures | null = null;
  lastSecond = -1;
  #length = 0;
  readonly #kept = Object.fromEntries(COURSES.map((name) => [name, new Float64Array(COURSE)])) as Record<(typeof COURSES)[number], Float64Array>;

  constructor(readonly id: string) {}

  /** Its last rows, at most 120. Of many workers a second tells the worst alone, so it may have gaps. */
  get course(): Course {
    return Object.fromEntries(COURSES.map((name) => [name, this.#kept[name].subarray(0, this.#length)])) as Course;
  }

  add(second: number, figures: WorkerFigures): void {
    if (second <= this.lastSecond) {
      // Told again, by a controller that took over.
      while (this.#length > 0 && this.#kept.seconds[this.#length - 1]! >= second) this.#length -= 1;
    }
    this.lastSecond = second;
    this.figures = figures;
    if (this.#length === COURSE) for (const name of COURSES) this.#kept[name].copyWithin(0, 1);
    else this.#length += 1;
    const now: Record<(typeof COURSES)[number], unknown> = {
      seconds: second,
      rps: figures.achievedRps,
      p99: figures.p99Ms,
      cpu: figures.cpuShare,
      late: figures.lateShare,
      lag: figures.scheduleLagP99Ms,
      inFlight: figures.inFlight,
    };
    for (const name of COURSES) this.#kept[name][this.#length - 1] = figureOf(now[name]);
  }
}

export class RunData {
  /** Counts up with every change, so that who draws knows whether there is something new. */
  version = 0;
  /** Frames that were passed over: damaged, told twice, of a kind that is not known. */
  faults = 0;
  /** Frames that never came, as the gaps in their numbers show. */
  missed = 0;
  lastSeq = 0;
  state: RunState | null = null;
  end: RunEnd | null = null;
  /** Whether errors and status codes are known row by row; a result has their sums alone. */
  hasClasses = false;
  readonly events: RunEvent[] = [];
  readonly requests = new Map<string, RequestData>();
  readonly workers = new Map<string, WorkerData>();
  #rows = new Rows(MOST_ROWS, RUN_RULES);
  readonly #errors = new Set<string>();
  readonly #statusCodes = new Set<string>();
  /** What is there comes from a result, and frames replace it from their first second on. */
  #isSeeded = false;
  /** Up to which second frames have told. */
  #told = 0;
  #whole: { sum: Distribution; version: number } | null = null;

  static ofResult(result: ResultLike): RunData {
    const data = new RunData();
    data.#rows = new Rows(MOST_ROWS, RUN_RULES, secondsOf(result.seriesSeconds));
    fill(data.#rows, result.series ?? [], result);
    for (const request of result.requests ?? []) {
      const kept = new RequestData(request.name, secondsOf(request.seriesSeconds));
      fill(kept.rows, request.series ?? [], result);
      data.requests.set(request.name, kept);
    }
    for (const worker of result.workers ?? []) data.#workerOfResult(worker as Record<string, unknown>);
    data.version = 1;
    return data;
  }

  /** A run that goes on, from what its result tells by now: frames that follow replace what they tell again. */
  static seededBy(result: ResultLike): RunData {
    const data = RunData.ofResult(result);
    data.#isSeeded = true;
    data.#told = data.#rows.lastSecond + data.#rows.rowSeconds;
    return data;
  }

  get length(): number { return this.#rows.length; }
  /** Seconds in each row: 1, or more once neighbours became one. */
  get rowSeconds(): number { return this.#rows.rowSeconds; }
  get rows(): Rows { return this.#rows; }
  get seconds(): Column { return this.#rows.seconds; }
  get due(): Column { return this.#rows.column('due'); }
  get sent(): Column { return this.#rows.column('sent'); }
  get ok(): Column { return this.#rows.column('ok'); }
  get failed(): Column { return this.#rows.column('failed'); }
  get dropped(): Column { return this.#rows.column('dropped'); }
  get total(): Column { return this.#rows.column('total'); }
  get backlog(): Column { return this.#rows.column('backlog'); }
  get inFlight(): Column { return this.#rows.column('inFlight'); }
  get activeWorkers(): Column { return this.#rows.column('activeWorkers'); }
  /** Requests with an outcome, per second. */
  get achievedRps(): Column { return this.#rows.column('rps'); }
  /** Arrivals due, per second; NaN in closed loop. */
  get offeredRps(): Column { return this.#rows.column('offeredRps'); }
  /** Requests sent, per second. */
  get sentRps(): Column { return this.perSecond(this.sent); }
  get max(): Column { return this.#rows.column('maxMs'); }
  get errors(): Map<string, Column> { return this.#classes(ERROR, this.#errors); }
  get statusCodes(): Map<string, Column> { return this.#classes(STATUS, this.#statusCodes); }

  /** Counts of rows as rates: rows become longer as the run does, and the newest one is not told to its end. */
  perSecond(counts: Column): Column {
    const told = this.#rows.column('told');
    return counts.map((count, row) => (told[row]! > 0 ? count / told[row]! : NaN));
  }

  /**
   * Counts of rows for each of their seconds. Also what came after the measured time, where there is no rate, is something that came:
   * of a row that was hardly measured, or after it, it is spread over all of its seconds.
   */
  eachSecond(counts: Column): Column {
    const told = this.#rows.column('told');
    return counts.map((count, row) => count / (told[row]! >= 1 ? told[row]! : this.rowSeconds));
  }

  /** A percentile over time, q from 0 to 1. */
  quantile(q: number): Column { return this.#rows.quantile(q); }

  /** The latencies of a time, all of them where none is given. */
  distribution(fromSecond = -Infinity, toSecond = Infinity): Distribution {
    const rows = this.#rows;
    if (fromSecond !== -Infinity || toSecond !== Infinity) {
      const from = rows.seconds.findIndex((second) => second + rows.rowSeconds > fromSecond);
      const beyond = rows.seconds.findIndex((second) => second >= toSecond);
      return from < 0 ? new Distribution() : sumOf(rows, from, beyond < 0 ? rows.length : beyond);
    }
    if (this.#whole?.version !== rows.version) this.#whole = { sum: sumOf(rows, 0, rows.length), version: rows.version };
    return this.#whole.sum;
  }

  /** Takes a frame, of whatever kind; answers whether it told something. */
  addFrame(frame: unknown): boolean {
    const took = this.#take(frame);
    if (took) this.version += 1;
    else this.faults += 1;
    return took;
  }

  #take(frame: unknown): boolean {
    if (!isObject(frame) || !isCount(frame.seq) || frame.seq <= this.lastSeq || !isObject(frame.data)) return false;
    const took = this.#takeData(frame.type, frame.data);
    if (!took) return false;
    if (this.lastSeq > 0) this.missed += frame.seq - this.lastSeq - 1;
    this.lastSeq = frame.seq;
    return true;
  }

  #takeData(type: unknown, data: Record<string, unknown>): boolean {
    if (type === 'interval') return this.#interval(data);
    if (type === 'event') return this.#event(data);
    if (type !== 'end' || typeof data.state !== 'string') return false;
    this.end = { state: data.state as RunState, complete: typeof data.complete === 'boolean' ? data.complete : null };
    this.state = this.end.state;
    return true;
  }

  #event(data: Record<string, unknown>): boolean {
    if (typeof data.kind !== 'string' || typeof data.text !== 'string') return false;
    if (this.events.length === MOST_EVENTS) this.events.shift();
    this.events.push({
      at: typeof data.at === 'string' ? data.at : '',
      atSeconds: typeof data.atSeconds === 'number' && Number.isFinite(data.atSeconds) ? data.atSeconds : null,
      kind: data.kind,
      text: data.text,
      data: isObject(data.data) ? data.data : null,
    });
    return true;
  }

  #interval(data: Record<string, unknown>): boolean {
    const second = data.second;
    const counts = ['due', 'sent', 'ok', 'failed', 'dropped', 'backlog'];
    if (!isCount(second) || second > MOST_SECOND || !counts.every((name) => isCount(data[name]))) return false;
    if (!this.#goBackTo(second)) return false;
    const figures = figuresOf(data);
    for (const name of ['offeredRps', 'inFlight', 'activeWorkers']) figures[name] = figureOf(data[name]);
    // A frame does not say how many seconds it is of: one, but for runs that are planned for more than an hour.
    figures.told = figures.rps! > 0 ? Math.max(1, Math.round(figures.total! / figures.rps!)) : 1;
    this.#count(ERROR, this.#errors, data.errors, figures);
    this.#count(STATUS, this.#statusCodes, data.statusCodes, figures);
    this.hasClasses = true;
    this.#rows.append(second, figures, this.#bytes(data.distribution));
    if (typeof data.state === 'string') this.state = data.state as RunState;
    for (const request of listOf(data.requests)) this.#request(second, request);
    for (const worker of listOf(data.workers)) this.#worker(second, worker);
    return true;
  }

  /** Makes room for what is told again; a frame from long ago is none of this run's newest. */
  #goBackTo(second: number): boolean {
    const rows = this.#rows;
    if (rows.length > 0 && second < this.#told) {
      if (!this.#isSeeded && this.#told - second > MOST_SECONDS_BACK) return false;
      rows.cutAt(second);
      for (const request of this.requests.values()) request.rows.cutAt(second);
    }
    this.#isSeeded = false;
    this.#told = second + 1;
    return true;
  }

  #bytes(text: unknown): Uint8Array | null {
    const bytes = bytesOf(text);
    if (!bytes && text !== null && text !== undefined) this.faults += 1;
    return bytes;
  }

  #request(second: number, request: unknown): void {
    if (!isObject(request) || typeof request.name !== 'string') {
      this.faults += 1;
      return;
    }
    let kept = this.requests.get(request.name);
    if (!kept) {
      if (this.requests.size === MOST_REQUESTS) return;
      this.requests.set(request.name, (kept = new RequestData(request.name)));
    }
    kept.rows.append(second, figuresOf(request), this.#bytes(request.distribution));
  }

  #worker(second: number, worker: unknown): void {
    if (!isObject(worker) || typeof worker.worker !== 'string') {
      this.faults += 1;
      return;
    }
    this.#workerOf(worker.worker)?.add(second, worker as unknown as WorkerFigures);
  }

  #workerOf(id: string): WorkerData | null {
    let kept = this.workers.get(id);
    if (!kept) {
      if (this.workers.size === MOST_WORKERS) return null;
      this.workers.set(id, (kept = new WorkerData(id)));
    }
    return kept;
  }

  #workerOfResult(worker: Record<string, unknown>): void {
    const kept = typeof worker.worker === 'string' ? this.#workerOf(worker.worker) : null;
    if (!kept) return;
    const series = isObject(worker.series) ? (worker.series as Record<string, unknown[]>) : {};
    const seconds = listOf(series.second);
    seconds.forEach((second, row) => {
      const figures = Object.fromEntries(Object.entries(series).map(([name, values]) => [name, values?.[row] ?? null]));
      if (isCount(second)) kept.add(second, figures as unknown as WorkerFigures);
    });
    kept.figures = worker as unknown as WorkerFigures;
  }

  #count(prefix: string, known: Set<string>, told: unknown, figures: Record<string, number>): void {
    if (!isObject(told)) return;
    for (const [name, count] of Object.entries(told)) {
      if (!isCount(count) || count === 0) continue;
      // The last place is that of all the rest.
      const place = known.has(name) || known.size < MOST_CLASSES - 1 ? name : OTHER;
      known.add(place);
      this.#rows.provide(prefix + place, 'sum');
      figures[prefix + place] = (figures[prefix + place] ?? 0) + count;
    }
  }

  #classes(prefix: string, known: Set<string>): Map<string, Column> {
    return new Map([...known].map((name) => [name, this.#rows.column(prefix + name)]));
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const figureOf = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : NaN);
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const secondsOf = (value: unknown): number => (isCount(value) && value >= 1 ? value : 1);

function figuresOf(row: Record<string, unknown>): Record<string, number> {
  const figures: Record<string, number> = {};
  for (const name of ['due', 'sent', 'ok', 'failed', 'dropped']) figures[name] = isCount(row[name]) ? (row[name] as number) : 0;
  for (const name of ['backlog', 'p50Ms', 'p95Ms', 'p99Ms', 'maxMs', 'rps']) figures[name] = figureOf(row[name]);
  figures.total = figures.ok! + figures.failed!;
  return figures;
}

/** Rows of a result: what frames tell beside them follows from their sums. */
function fill(rows: Rows, series: readonly SeriesRow[], result: ResultLike): void {
  let underWay = 0;
  for (const row of series) {
    if (!isObject(row) || !isCount(row.second)) continue;
    const figures = figuresOf(row);
    underWay += figures.sent! - figures.total!;
    // Of a last row that was hardly measured there is no rate: one request in a hundredth of a second is no hundred a second.
    const measured = Math.min(rows.rowSeconds, (result.durationSeconds ?? Infinity) - row.second);
    const seconds = measured >= rows.rowSeconds / 4 || rows.length === 0 ? measured : NaN;
    figures.rps = figures.total! / (seconds > 0 ? seconds : NaN);
    figures.offeredRps = result.loop === 'open' ? figures.due! / (seconds > 0 ? seconds : NaN) : NaN;
    figures.inFlight = Math.max(0, underWay);
    figures.told = seconds > 0 ? seconds : NaN;
    rows.append(row.second, figures, bytesOf(row.distribution));
  }
}

function sumOf(rows: Rows, from: number, to: number): Distribution {
  const sum = new Distribution();
  for (let row = from; row < to; row += 1) sum.addBytes(rows.distribution(row));
  return sum;
}
