// Names the types of what the controller answers, so that no screen spells out the generated ones.
import type { components } from './schema';

type Schemas = components['schemas'];

export type Scenario = Schemas['Scenario'];
export type ScenarioView = Schemas['ScenarioView'];
export type Result = Schemas['Result'];
export type Totals = Schemas['Totals'];
export type RunState = Schemas['RunState'];
export type Finding = Schemas['Bottleneck'];
export type SlaOutcome = Schemas['SlaOutcome'];
export type TimelineEvent = Schemas['EventView'];
export type Frame = Schemas['Frame'];
export type Worker = Schemas['WorkerJson'];
export type Comparison = Schemas['Comparison'];
export type Realtime = Schemas['Realtime'];
export type Search = Schemas['SearchView'];
export type Capacity = Schemas['Capacity'];
export type Validation = Schemas['Validation'];
export type Preview = Schemas['Preview'];
export type Fault = Schemas['FaultView'];
export type Created = Schemas['Created'];
export type Token = Schemas['TokenView'];
export type MadeToken = Schemas['MadeToken'];
export type Secret = Schemas['SecretView'];
export type Quota = Schemas['QuotaView'];
export type Limits = Schemas['Limits'];
export type Domain = Schemas['DomainView'];
export type Halt = Schemas['HaltView'];
export type Verdict = 'VALID' | 'DEGRADED' | 'INVALID';

/** A page of a list. */
export interface List<T> {
  items: T[];
  nextCursor: string | null;
}

/** What a list says of a run. */
export interface Summary {
  verdict: Verdict | null;
  complete: boolean | null;
  loop: 'open' | 'closed';
  durationSeconds: number;
  totalRequests: number;
  offeredRps: number | null;
  achievedRps: number | null;
  successRate: number | null;
  p50Ms: number | null;
  p99Ms: number | null;
  slaPassed: boolean | null;
  slaViolated: number;
  findings: number | null;
  finding: string | null;
  sparkline: { seconds: number; rps: (number | null)[]; p99Ms: (number | null)[] };
}

/** A run. In lists `result` is null; a controller of another version may lack `summary`. */
export type Run = Schemas['RunView'] & { summary?: Summary | null };

/** What the controller is, told to anybody. `signIn` is null where it asks for none. */
export interface About {
  version: string;
  demo: boolean;
  signIn: { url: string | null; publishableKey: string | null } | null;
}

/** Who asks, and what they may do. */
export interface Me {
  user: string;
  admin: boolean;
  account: boolean;
  run: boolean;
}

/** A search for a capacity, in a list. */
export interface SearchRow {
  id: string;
  scenarioId: string;
  name: string;
  state: RunState;
  createdAt: string;
  slo: string;
  maxRate: number;
  capacityRps: number | null;
  interval: (number | null)[] | null;
  limitedBy: string | null;
}

const ENDS: readonly string[] = ['COMPLETED', 'ABORTED', 'FAILED'];

/** It is over, and nothing of it changes any more. */
export const hasEnded = (state: RunState): boolean => ENDS.includes(state);
