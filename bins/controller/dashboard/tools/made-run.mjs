// Makes the frames of a run from a seed: what a controller would tell of workers, requests and a target that gets slow.

/** Numbers that are the same for the same seed (mulberry32). */
export function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Where a duration is counted (docs/results.md): sixteen buckets to a doubling. */
function placeOf(ms) {
  const units = Math.max(0, Math.floor((ms * 1e6) / 512));
  if (units < 32) return units;
  const doublings = Math.floor(Math.log2(units)) - 4;
  return Math.min(475, 16 * doublings + Math.floor(units / 2 ** doublings));
}

function encoded(counts) {
  const places = [...counts.keys()].sort((a, b) => a - b);
  if (places.length === 0) return null;
  const bytes = [];
  const write = (number) => {
    let rest = number;
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
    bytes.push(rest);
  };
  write(places[0]);
  let next = places[0];
  for (const place of places) {
    if (place > next) [0, place - next].forEach(write);
    write(counts.get(place));
    next = place + 1;
  }
  return btoa(String.fromCharCode(...bytes));
}

/** Two humps, as of a cache that misses now and then; `slow` stretches both. */
function latencies(random, count, slow) {
  const samples = Math.min(count, 120);
  const counts = new Map();
  const values = [];
  for (let n = 0; n < samples; n += 1) {
    const normal = random() + random() + random() + random() - 2;
    const hump = random() < 0.93 ? 4 : 45;
    values.push(Math.max(0.05, hump * Math.exp(normal * 0.45) * slow));
  }
  values.sort((a, b) => a - b);
  values.forEach((value, n) => {
    const share = Math.floor(((n + 1) * count) / samples) - Math.floor((n * count) / samples);
    const place = placeOf(value);
    if (share > 0) counts.set(place, (counts.get(place) ?? 0) + share);
  });
  const at = (q) => (samples === 0 ? null : values[Math.max(0, Math.ceil(q * samples) - 1)]);
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1), distribution: encoded(counts) };
}

function row(random, second, rate, slow, failing) {
  const due = Math.round(rate * (0.97 + random() * 0.06));
  const dropped = slow > 4 ? Math.round(due * 0.02) : 0;
  const sent = due - dropped;
  const failed = Math.round(sent * failing * (0.5 + random()));
  const timedOut = Math.round(failed * 0.3);
  return {
    second, due, sent, ok: sent - failed, failed, dropped, backlog: 0, unknown: 0,
    ...latencies(random, sent, slow),
    rps: sent,
    statusCodes: { 200: sent - failed, 503: failed - timedOut },
    errors: failed > 0 ? { http_5xx: failed - timedOut, response_timeout: timedOut } : {},
  };
}

/**
 * The frames of a run, one after another.
 * `seconds` long, at `rate` requests a second on the whole; of more than 32 workers each second tells the 32 worst, as the controller does.
 */
export function* madeFrames({ seconds = 3600, workers = 100, requests = 20, rate = 4000, seed = 1 } = {}) {
  const random = numbers(seed);
  const started = Date.UTC(2026, 0, 1);
  const names = Array.from({ length: requests }, (_, n) => `${['GET', 'POST', 'PUT'][n % 3]} /api/resource-${n + 1}`);
  let seq = 0;
  const event = (second, kind, text, data = null) => ({
    seq: (seq += 1), type: 'event',
    data: { at: new Date(started + second * 1000).toISOString(), atSeconds: second, kind, text, data },
  });
  yield event(0.003, 'started', 'the load has started');
  for (let second = 0; second < seconds; second += 1) {
    const part = second / seconds;
    if (second === Math.round(seconds * 0.4)) yield event(second, 'rate_changed', `the rate goes to ${rate}/s over 10 s`, { targetRps: rate, overSeconds: 10 });
    if (second === Math.round(seconds * 0.62)) yield event(second, 'sla_violated', 'the rule ok_p99<250ms is violated: 412', { place: 0, rule: 'ok_p99<250ms', atSecond: second, actual: 412 });
    if (second === Math.round(seconds * 0.7)) yield event(second, 'sla_recovered', 'the rule ok_p99<250ms holds again: 201', { place: 0, rule: 'ok_p99<250ms', atSecond: second, actual: 201 });
    if (second === Math.round(seconds * 0.8)) yield event(second, 'worker_lost', 'worker eu-7 was lost', { worker: 'eu-7' });
    const wanted = rate * (part < 0.4 ? 0.35 + 1.1 * part : 1) * (1 + 0.05 * Math.sin(second / 9));
    const isBad = part >= 0.6 && part < 0.71;
    const slow = isBad ? 3 + 4 * Math.sin(((part - 0.6) / 0.11) * Math.PI) : 1 + 0.25 * Math.max(0, part - 0.4) + 0.08 * Math.sin(second / 31);
    const whole = row(random, second, wanted, slow, isBad ? 0.08 : 0.003);
    yield {
      seq: (seq += 1), type: 'interval',
      data: {
        ...whole,
        offeredRps: whole.due,
        inFlight: Math.round((wanted * (whole.p50Ms ?? 0) * 1.6) / 1000),
        backlog: isBad ? Math.round(40 * slow + 20 * random()) : 0,
        activeWorkers: part >= 0.8 ? workers - 1 : workers,
        state: 'RUNNING',
        requests: names.map((name, n) => ({ name, ...row(random, second, wanted / requests, slow * (0.6 + n * 0.08), isBad ? 0.08 : 0.003) })),
        workers: Array.from({ length: Math.min(32, workers) }, (_, n) => {
          const place = workers > 32 ? (second * 7 + n * 3) % workers : n;
          const share = wanted / workers;
          return {
            worker: `eu-${place + 1} (w.${String(place).padStart(6, '0')})`, due: Math.round(share), sent: Math.round(share), ok: Math.round(share * 0.997),
            failed: Math.round(share * 0.003), dropped: 0, inFlight: Math.round(share / 100), backlog: 0, achievedRps: share * (0.98 + 0.04 * random()),
            p50Ms: 4 * slow, p99Ms: 60 * slow * (0.9 + 0.2 * random()), scheduleLagP99Ms: 0.3 + random(), pacerLagP99Ms: 0.1 + 0.2 * random(),
            cpuShare: 0.2 + 0.3 * random(), lateShare: random() < 0.05 ? 0.02 * random() : 0, stalledShare: 0, shortageShare: null,
          };
        }),
      },
    };
  }
  yield event(seconds, 'ended', 'the load has ended');
  yield { seq: (seq += 1), type: 'end', data: { state: 'COMPLETED', complete: true } };
}
