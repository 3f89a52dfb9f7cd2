// Checks that frames become the columns that they tell, whatever comes.
import { madeFrames } from '../../tools/made-run.mjs';
import { Distribution } from './distribution';
import { marksOf } from './marks';
import { RunData, type ResultLike } from './run-data';

const frames = (seconds: number, more = {}) => [...madeFrames({ seconds, workers: 3, requests: 2, rate: 200, ...more })];
const intervals = (all: { type: string; data: any }[]) => all.filter((frame) => frame.type === 'interval').map((frame) => frame.data);
const sum = (values: Iterable<number>) => [...values].reduce((all, value) => all + value, 0);
const dataOf = (all: unknown[]) => {
  const data = new RunData();
  all.forEach((frame) => data.addFrame(frame));
  return data;
};

describe('a run as columns', () => {
  it('has a row for each second, with what its frame told', () => {
    const all = frames(90);
    const data = dataOf(all);
    expect([...data.seconds]).toEqual(intervals(all).map((row) => row.second));
    expect([...data.ok]).toEqual(intervals(all).map((row) => row.ok));
    expect([...data.quantile(0.99)]).toEqual(intervals(all).map((row) => row.p99Ms));
    expect([...data.errors.get('http_5xx')!]).toEqual(intervals(all).map((row) => row.errors.http_5xx ?? 0));
    expect(data.faults).toBe(0);
    expect(data.end).toEqual({ state: 'COMPLETED', complete: true });
    expect(data.requests.size).toBe(2);
    expect(data.workers.size).toBe(3);
  });

  it('reads other percentiles from the distributions, and goes on where it was', () => {
    const all = frames(40);
    const data = dataOf(all.slice(0, 20));
    const before = [...data.quantile(0.9)];
    all.slice(20).forEach((frame) => data.addFrame(frame));
    const after = [...data.quantile(0.9)];
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after).toEqual(intervals(all).map((row) => Distribution.of(row.distribution)!.quantile(0.9)));
  });

  it('makes neighbours one row when there are more than 3,600, and loses no request', () => {
    const all = frames(3700, { requests: 1, workers: 1 });
    const data = dataOf(all);
    expect(data.rowSeconds).toBe(2);
    expect(data.length).toBe(1850);
    const told = intervals(all);
    for (const name of ['due', 'sent', 'ok', 'failed', 'dropped'] as const) expect(sum(data[name])).toBe(sum(told.map((row) => row[name])));
    expect(sum(data.statusCodes.get('200')!)).toBe(sum(told.map((row) => row.statusCodes[200])));
    expect(data.max[7]).toBe(Math.max(told[14].maxMs, told[15].maxMs));
    // Never an average: what the merged distribution says.
    const both = Distribution.of(told[14].distribution)!.add(Distribution.of(told[15].distribution)!);
    expect(data.quantile(0.99)[7]).toBe(both.quantile(0.99));
    expect(data.quantile(0.9)[7]).toBe(both.quantile(0.9));
    expect(data.achievedRps[7]).toBe((told[14].rps + told[15].rps) / 2);
    expect(data.backlog[7]).toBe(told[15].backlog);
    expect(data.eachSecond(data.ok)[7]).toBe((told[14].ok + told[15].ok) / 2);
    const request = data.requests.values().next().value!;
    expect(request.rows.length).toBeLessThanOrEqual(600);
    expect(sum(request.total)).toBe(sum(told.map((row) => row.requests[0].ok + row.requests[0].failed)));
  });

  it('tells for each second also what came after the measured time, where there is no rate', () => {
    const row = { due: 5, sent: 5, ok: 0, failed: 0, dropped: 0, backlog: 0, p50Ms: null, p95Ms: null, p99Ms: null, maxMs: null };
    const drained: ResultLike = { durationSeconds: 1, loop: 'open', seriesSeconds: 1, series: [{ ...row, second: 0 }, { ...row, second: 1, due: 0, sent: 0, failed: 5 }], requests: [], workers: [] };
    const data = RunData.ofResult(drained);
    expect([...data.eachSecond(data.failed)]).toEqual([0, 5]);
    expect(data.perSecond(data.failed)[1]).toBeNaN();
  });

  it('draws the newest row anew while it still grows', () => {
    const all = frames(3703, { requests: 0, workers: 1 });
    const data = new RunData();
    for (const frame of all) {
      data.addFrame(frame);
      if (frame.type === 'interval' && frame.data.second === 3700) data.quantile(0.75);
    }
    const told = intervals(all);
    const both = Distribution.of(told[3700].distribution)!.add(Distribution.of(told[3701].distribution)!);
    expect(data.quantile(0.75)[1850]).toBe(both.quantile(0.75));
  });

  it('tells counts as rates, of rows of whatever length', () => {
    const all = frames(3701, { requests: 0, workers: 1 });
    const data = dataOf(all);
    const told = intervals(all);
    expect(data.sentRps[4]).toBe((told[8].sent + told[9].sent) / 2);
    expect(data.sentRps.at(-1)).toBe(told[3700].sent);
  });

  it('passes over what is damaged, doubled, late or unknown, and counts it', () => {
    const all = frames(10);
    const bad: unknown[] = [
      null, 7, 'text', [], {}, { seq: 1 }, { seq: 'x', type: 'interval', data: {} }, { seq: 900, type: 'interval', data: { second: 1 } },
      { seq: 901, type: 'interval', data: { ...intervals(all)[0], second: -1 } }, { seq: 902, type: 'interval', data: { ...intervals(all)[0], due: '5' } },
      { seq: 903, type: 'rumour', data: {} }, { seq: 904, type: 'event', data: { kind: 4 } }, { seq: 905, type: 'end', data: {} }, { seq: NaN, type: 'end', data: {} },
    ];
    const clean = dataOf(all.slice(0, 8));
    const data = new RunData();
    for (const frame of all.slice(0, 8)) {
      data.addFrame(frame);
      bad.forEach((each) => expect(data.addFrame(each)).toBe(false));
      expect(data.addFrame(frame)).toBe(false);
    }
    expect([...data.due]).toEqual([...clean.due]);
    expect(data.lastSeq).toBe(clean.lastSeq);
    expect(data.faults).toBe(8 * (bad.length + 1));
    const version = data.version;
    data.addFrame(all[2]);
    expect(data.version).toBe(version);
  });

  it('takes a row whose distribution is damaged without it', () => {
    const all = frames(3);
    const broken = structuredClone(all);
    intervals(broken)[1].distribution = 'not base64!';
    const data = dataOf(broken);
    expect(data.length).toBe(3);
    expect(data.faults).toBe(1);
    expect(data.quantile(0.9)[1]).toBeNaN();
    expect(data.quantile(0.99)[1]).toBe(intervals(all)[1].p99Ms);
  });

  it('tells what is missing as nothing, and closed loop without an offered rate', () => {
    const row = { second: 0, due: 0, sent: 0, ok: 0, failed: 0, dropped: 0, backlog: 0, p50Ms: null, offeredRps: null };
    const data = dataOf([{ seq: 1, type: 'interval', data: row }]);
    expect(data.length).toBe(1);
    expect(data.offeredRps[0]).toBeNaN();
    expect(data.quantile(0.5)[0]).toBeNaN();
    expect(data.quantile(0.42)[0]).toBeNaN();
    expect(data.distribution().quantile(0.5)).toBeNull();
  });

  it('puts seconds that are told again in the place of the first telling', () => {
    const all = frames(20);
    const data = dataOf(all.slice(0, 12));
    const again = intervals(all)[8];
    data.addFrame({ seq: 13, type: 'interval', data: { ...again, due: 4444 } });
    expect(data.rows.lastSecond).toBe(8);
    expect(data.due[8]).toBe(4444);
    expect(data.length).toBe(9);
  });

  it('does not go back for a frame of long ago', () => {
    const data = dataOf(frames(200).slice(0, 190));
    const length = data.length;
    expect(data.addFrame({ seq: 5000, type: 'interval', data: { ...intervals(frames(2))[0] } })).toBe(false);
    expect(data.length).toBe(length);
  });

  it('counts the frames that never came', () => {
    const all = frames(10);
    expect(dataOf([...all.slice(0, 4), ...all.slice(7)]).missed).toBe(3);
  });

  it('has at most 40 error classes; the rest are one', () => {
    const errors = Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`class ${n}`, 1]));
    const data = dataOf([{ seq: 1, type: 'interval', data: { ...intervals(frames(1))[0], errors } }]);
    expect(data.errors.size).toBe(40);
    expect(data.errors.get('other')![0]).toBe(3000 - 39);
  });

  it('keeps a hundred workers with short courses in a few megabytes', () => {
    const data = dataOf(frames(400, { workers: 100, requests: 0 }));
    expect(data.workers.size).toBe(100);
    for (const worker of data.workers.values()) {
      expect(worker.course.seconds.length).toBeLessThanOrEqual(120);
      expect(worker.course.seconds.at(-1)).toBe(worker.lastSecond);
      expect(worker.figures!.achievedRps).toBe(worker.course.rps.at(-1));
    }
  });

  it('is the same of a result as of the frames', () => {
    const all = frames(30);
    const live = dataOf(all);
    const result: ResultLike = {
      durationSeconds: 30, loop: 'open', seriesSeconds: 1, series: intervals(all),
      requests: [{ name: 'a', seriesSeconds: 1, series: intervals(all).map((row) => row.requests[0]) }],
      workers: [{ worker: 'w', achievedRps: 4, series: { second: [0, 1], achievedRps: [3, 5], p99Ms: [1, null] } }],
    };
    const data = RunData.ofResult(result);
    for (const name of ['seconds', 'due', 'ok', 'failed', 'achievedRps', 'offeredRps'] as const) expect([...data[name]]).toEqual([...live[name]]);
    expect([...data.quantile(0.9)]).toEqual([...live.quantile(0.9)]);
    expect([...data.requests.get('a')!.p99]).toEqual([...live.requests.values().next().value!.p99]);
    expect([...data.workers.get('w')!.course.rps]).toEqual([3, 5]);
    expect(data.workers.get('w')!.figures!.achievedRps).toBe(4);
  });

  it('goes on from a result with frames that tell the newest seconds again', () => {
    const all = frames(300);
    const result: ResultLike = { durationSeconds: 250, loop: 'open', seriesSeconds: 1, series: intervals(all).slice(0, 250), requests: [], workers: [] };
    const data = RunData.seededBy(result);
    all.filter((frame) => frame.type !== 'interval' || frame.data.second >= 50).forEach((frame) => data.addFrame(frame));
    expect(data.length).toBe(300);
    expect(sum(data.ok)).toBe(sum(intervals(all).map((row) => row.ok)));
    expect(data.faults).toBe(0);
  });

  it('is empty of a run without rows', () => {
    const data = RunData.ofResult({ durationSeconds: 0, loop: 'closed', seriesSeconds: 1, series: [], requests: [], workers: [] });
    expect(data.length).toBe(0);
    expect(data.quantile(0.99)).toHaveLength(0);
    expect(data.distribution().total).toBe(0);
  });
});

describe('marks', () => {
  it('are moments, and bands from what begins to what ends it', () => {
    const data = dataOf(frames(100));
    expect(marksOf(data.events).map(({ from, to, look }) => [from, to, look])).toEqual([
      [40, undefined, 'change'],
      [62, 70, 'violation'],
      [80, undefined, 'loss'],
    ]);
  });

  it('last until now where nothing ended them', () => {
    const event = { at: '', atSeconds: 4, kind: 'paused', text: 'it stands still', data: { effectiveAtSeconds: 4.5 } };
    expect(marksOf([event], 20)).toMatchObject([{ from: 4.5, to: 20, look: 'pause' }]);
  });
});
