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

/** A run. In lists `result` is null; a controller of an earlier version has no `summary`. */
export type Run = Schemas['RunView'];

/** What a list says of a run. */
export type Summary = NonNullable<Run['summary']>;

/** What the controller is, told to anybody. `signIn` is null where it asks for none. */
export type About = Schemas['About'];

/** Who asks, and what they may do. */
export type Me = Schemas['Me'];

/** A search for a capacity, in a list. */
export type SearchRow = Schemas['ListedView'];

const ENDS: readonly string[] = ['COMPLETED', 'ABORTED', 'FAILED'];

/** It is over, and nothing of it changes any more. */
export const hasEnded = (state: RunState): boolean => ENDS.includes(state);
