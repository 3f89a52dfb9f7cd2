// Turns the result of a short run into those of runs that no test can wait for: an hour with ten names,
// a hundred names, names with markup in them, a result of a newer version and a damaged one.

const hostile = '</script><script>document.title="broken out"</script><img src=x onerror=alert(1)>"\'&';

const copy = (result) => structuredClone(result);

/** A worker with an hour's rows; a troubled one stood still for half of its time. */
function worker(short, name, isTroubled) {
  const it = copy(short);
  it.worker = `${name} (019b7704-0000-7000-8000-000000000000)`;
  it.seriesSeconds = 30;
  for (const key of Object.keys(it.series)) {
    it.series[key] = Array.from({ length: 120 }, (_, row) => (key === 'second' ? 30 * row : short.series[key][row % short.series[key].length] ?? null));
  }
  if (isTroubled) {
    it.validity = { verdict: 'INVALID', reasons: [{ kind: 'stalled', verdict: 'INVALID', figure: 50, limit: 10, unit: '%',
      explanation: 'the generator stood still for 1800 s of 3600 s', remedy: 'run again' }] };
  }
  return it;
}

/** What an endpoint tells in an hour: so many series, and one that it could not tell. */
function observed(name, series) {
  const second = Array.from({ length: 120 }, (_, row) => 30 * row);
  const one = (n) => ({ series: `${name}_series_of_usual_length_${n}{queue="${n}"}`, kind: n % 2 ? 'rate' : 'gauge', second,
    values: second.map((at) => (at % 210 === 0 ? null : Math.round(1000 * Math.sin(at / (100 + n))) / 7)) });
  return { name, url: `http://${name}.internal:9100/metrics`, readings: 3590, failedReadings: 10,
    series: Array.from({ length: series }, (_, n) => one(n)), faults: [{ second: 1501, text: 'no whole reply within 2 s' }] };
}

/** An hour of the seconds of a short run, with a time in which everything is slow and some fails. */
export function hour(short, names) {
  const result = copy(short);
  const seconds = short.series.filter((row) => row.distribution).slice(0, -1);
  // A distribution's first number is the place of its first bucket: sixteen more are twice as long.
  const slower = (text, doublings) => {
    const bytes = Buffer.from(text, 'base64');
    const [low, high] = [bytes[0] & 127, bytes[0] > 127 ? bytes[1] : 0];
    const first = low + 128 * high + 16 * doublings;
    const head = first < 128 ? [first] : [(first & 127) | 128, first >> 7];
    return Buffer.from([...head, ...bytes.subarray(bytes[0] > 127 ? 2 : 1)]).toString('base64');
  };
  const row = (second) => {
    const it = copy(seconds[second % seconds.length]);
    const bad = second >= 1500 && second < 1740;
    const doublings = bad ? 3 : second > 2700 && second % 300 < 4 ? 4 : second % 7 === 0 ? 1 : 0;
    it.second = second;
    if (doublings) {
      it.distribution = slower(it.distribution, doublings);
      for (const key of ['p50Ms', 'p95Ms', 'p99Ms', 'maxMs']) it[key] *= 2 ** doublings;
    }
    if (bad) {
      it.failed = Math.round(it.ok / 12);
      it.ok -= it.failed;
      it.dropped = second > 1600 ? Math.round(it.due / 30) : 0;
      it.backlog = 40 + (second % 90);
    }
    return it;
  };
  result.series = Array.from({ length: 3600 }, (_, second) => row(second));
  result.durationSeconds = 3600;
  const sum = (key) => result.series.reduce((all, each) => all + each[key], 0);
  Object.assign(result.arrivals, { due: sum('due'), sent: sum('sent'), dropped: sum('dropped'), droppedByReason: { backlog_full: sum('dropped') } });
  Object.assign(result.outcomes, { ok: sum('ok'), failed: sum('failed') });
  result.totalRequests = sum('ok') + sum('failed');
  result.offeredRps = result.arrivals.due / 3600;
  result.achievedRps = result.totalRequests / 3600;
  result.statusCodeDistribution = { 200: sum('ok'), 503: Math.round(sum('failed') * 0.9) };
  result.errors = { http_5xx: Math.round(sum('failed') * 0.9), response_timeout: Math.round(sum('failed') * 0.1) };
  result.errorExamples = { http_5xx: 'status 503', response_timeout: 'no whole reply within 10 s' };
  result.scenario.name = 'Checkout, an hour before the sale';
  result.scenario.tags = ['shop', 'release-42'];
  result.sla = [
    { rule: 'p99<250ms', passed: true, actual: 48.2, unit: 'ms', reason: null, windowSeconds: null, violations: [], aborted: false },
    { rule: 'error_rate<1%', passed: true, actual: 0.54, unit: '%', reason: null, windowSeconds: null, violations: [], aborted: false },
    { rule: 'p95<20ms', passed: false, actual: 92.5, unit: 'ms', reason: null, windowSeconds: 30, aborted: false,
      violations: [{ fromSecond: 1502, toSecond: 1741, worst: 92.5 }, { fromSecond: 3004, toSecond: 3010, worst: 31 }] },
  ];
  result.bottlenecks = [finding({ fromSecond: 1500, toSecond: 1740 })];
  result.headroom = [{ rule: 'p95<20ms', heldUpToRps: 480, failedAtRps: 510, heldSeconds: 1400, failedSeconds: 300 }];
  result.workers = ['eu-1', 'eu-2', 'us-1'].map((name, n) => worker(short.workers[0], name, n === 1));
  result.observed = [observed('checkout', 40), observed('node', 20)];
  const total = short.requests.length ? short.requests[0] : null;
  result.requests = total ? Array.from({ length: names }, (_, n) => named(total, n, result.series)) : [];
  return result;
}

function named(one, n, series) {
  const it = copy(one);
  const paths = ['GET /', 'GET /products', 'GET /products/{id}', 'GET /cart', 'POST /cart', 'DELETE /cart/{item}', 'POST /checkout', 'GET /search?q=a long text that somebody typed', 'GET /me', 'POST /login'];
  it.name = n < paths.length ? paths[n] : `GET /category/${n}/overview`;
  it.series = Array.from({ length: 120 }, (_, place) => ({ ...series[place * 30], second: place * 30 }));
  it.seriesSeconds = 30;
  if (n % 4 === 3) Object.assign(it, { errors: { http_5xx: 12 + n }, outcomes: { ...it.outcomes, failed: 12 + n } });
  return it;
}

function finding(more) {
  return {
    kind: 'error_cliff', severity: 'critical', confidence: 0.94, request: null,
    evidence: { offeredRps: 300, errorShare: 0.083, healthyRps: 280 },
    witnesses: [{ name: 'db', series: 'pool_wait_seconds', leadSeconds: 4, correlation: 0.91 }],
    explanation: 'From 25:00 on one request in twelve failed with 503, for four minutes, after the target had taken the same rate without a failure.',
    nextStep: 'Look at the pool of database connections at that time: its wait rose four seconds before.',
    ...more,
  };
}

/** Markup wherever a text may stand. */
export function withMarkup(short) {
  const result = copy(short);
  Object.assign(result.scenario, { name: hostile, targetUrl: `http://a.test/${hostile}`, tags: [hostile], notes: hostile });
  result.environment.os = hostile;
  result.errors = { [hostile]: 3 };
  result.errorExamples = { [hostile]: hostile };
  result.generator.lostWorkers = [hostile];
  result.sla = [{ rule: `p99{${hostile}}<1ms`, passed: false, actual: 3, unit: hostile, reason: hostile, windowSeconds: 5, aborted: false, violations: [{ fromSecond: 0, toSecond: 1, worst: 2 }] }];
  result.validity = { verdict: 'DEGRADED', reasons: [{ kind: hostile, verdict: 'DEGRADED', figure: 1, limit: 0, unit: 'ms', explanation: hostile, remedy: hostile }] };
  result.bottlenecks = [finding({ kind: hostile, request: hostile, explanation: hostile, nextStep: hostile, evidence: { [hostile]: hostile }, fromSecond: 0, toSecond: 2,
    witnesses: [{ name: hostile, series: hostile, leadSeconds: 1, correlation: 0.5 }] })];
  for (const request of result.requests) request.name = hostile + request.name;
  return result;
}

/** Without distributions and histograms, as it may be asked for. */
export function bare(short) {
  const result = copy(short);
  result.histograms = null;
  for (const row of result.series) row.distribution = null;
  return result;
}
