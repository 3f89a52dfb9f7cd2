// Names the parts of a result whose form the API's description leaves open. docs/results.md says what each key means.
import type { Result, SlaOutcome, Totals, Verdict } from './types';

export interface Validity {
  verdict: Verdict;
  reasons: Reason[];
}

/** What speaks against the measurement. */
export interface Reason {
  kind: string;
  verdict: Verdict;
  figure: number | null;
  limit: number | null;
  unit: string;
  explanation: string;
  remedy: string;
}

export interface Environment {
  version: string;
  os: string;
  cores: number | null;
  threads: number | null;
  workers: number;
  options: Record<string, unknown>;
}

export interface Generator {
  pacerLag: Times;
  wakes: number;
  lateWakes: number;
  lateShare: number | null;
  stalledShare: number | null;
  slackMs: number | null;
  cpuShare: number | null;
  peakCpuShare: number | null;
  runDelayShare: number | null;
  throttledShare: number | null;
  shortages: number;
  shortageShare: number | null;
  clockErrorMs: number | null;
  lostWorkers: string[];
}

/** A distribution in HdrHistogram's own encoding, and what lies above its range. */
export interface Encoded {
  hdr: string;
  aboveRange: { count: number; maxNs: number; sumNs: number };
}

export interface EncodedHistograms {
  latency: Encoded;
  okLatency: Encoded | null;
  serviceTime: Encoded;
  scheduleLag: Encoded;
}

export type Times = Result['latency'];
export type Observed = Totals['observed'][number];

/** What the totals and the result have in common. */
export type Outcome = Pick<Result, keyof Totals & keyof Result>;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Null where it is none that this page understands. */
export function validityOf(of: { validity: unknown }): Validity | null {
  const told = of.validity;
  if (!isObject(told) || typeof told.verdict !== 'string') return null;
  return { verdict: told.verdict as Verdict, reasons: Array.isArray(told.reasons) ? (told.reasons as Reason[]) : [] };
}

export const environmentOf = (of: { environment: unknown }): Partial<Environment> => (isObject(of.environment) ? of.environment : {});

export const generatorOf = (of: { generator: unknown }): Partial<Generator> => (isObject(of.generator) ? of.generator : {});

export const histogramsOf = (of: { histograms: unknown }): Partial<EncodedHistograms> => (isObject(of.histograms) ? of.histograms : {});

export const slaOf = (of: { sla: unknown }): SlaOutcome[] => (Array.isArray(of.sla) ? (of.sla as SlaOutcome[]) : []);
