// Turns what a run's result says into the three answers that people come for: is it well, can it be trusted, what next.
import { generatorOf, slaOf, validityOf, type Reason } from '../../api/result';
import type { SlaOutcome, Totals } from '../../api/types';
import type { Tone } from '../../ui';
import { count, latency, NOTHING, percent, rate, word } from '../../ui/format';

export interface Judgement {
  tone: Tone;
  /** In a word or two. */
  word: string;
  /** In a sentence. */
  says: string;
}

type Judged = Pick<Totals, 'validity' | 'complete' | 'arrivals' | 'generator' | 'interrupted'>;

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A worker's id is for programs: its name stands before it. */
const withoutIds = (text: string): string => text.replace(/ \(w\.[\w-]{20,}\)/g, '');

/** The controller's texts begin small and end without a stop. */
export function sentence(text: string): string {
  const plain = withoutIds(text);
  return `${capital(plain)}${/[.!?…]$/.test(plain) ? '' : '.'}`;
}

const plural = (many: number, one: string): string => `${count(many)} ${one}${many === 1 ? '' : 's'}`;

/** A figure in the unit that the document names. */
export function figure(value: number | null | undefined, unit: string | undefined): string {
  if (value === null || value === undefined) return NOTHING;
  if (unit === 'ms') return latency(value);
  if (unit === '%') return percent(value);
  if (unit === '/s') return rate(value);
  return unit ? `${count(value)} ${unit}` : String(value);
}

/** A rule that does not hold now, or whose violation is over: what is told differs. */
export const isViolated = (outcome: SlaOutcome): boolean => !outcome.passed;

export function promises(sla: readonly SlaOutcome[], live: boolean): Judgement {
  if (sla.length === 0) return { tone: 'neutral', word: 'No rules', says: 'The scenario has no SLA rules, so nothing says how fast is fast enough.' };
  const broken = sla.filter(isViolated);
  const first = broken[0];
  if (!first) return { tone: 'good', word: 'Passed', says: `${sla.length === 1 ? 'Its one SLA rule holds' : `All ${sla.length} SLA rules hold`}${live ? ' so far' : ''}.` };
  const more = broken.length > 1 ? ` and ${broken.length - 1} more of ${sla.length}` : sla.length > 1 ? ` of ${sla.length} rules` : '';
  const actual = first.actual !== null ? `: it is ${figure(first.actual, first.unit)}` : first.reason ? `: ${first.reason}` : '';
  return { tone: 'bad', word: broken.length > 1 ? `${broken.length} violated` : 'Violated', says: `${first.rule}${more} ${broken.length > 1 ? 'do' : 'does'} not hold${broken.length > 1 ? '' : actual}.` };
}

const SEVERITIES: Record<string, Tone> = { info: 'info', warning: 'warning', critical: 'bad' };
export const severityTone = (severity: string): Tone => SEVERITIES[severity] ?? 'neutral';

export const sureness = (confidence: number): string => `${percent(Math.floor(confidence * 100))} sure`;

type Loaded = Pick<Totals, 'bottlenecks' | 'errors' | 'errorExamples' | 'totalRequests' | 'outcomes'>;

export function target(totals: Loaded, live: boolean): Judgement {
  const first = totals.bottlenecks[0];
  const failed = mostFailed(totals);
  // That most requests fail is worse than whatever else was found of it.
  if (failed && (!first || failed.percent >= MOST_FAILED)) {
    const example = totals.errorExamples?.[failed.name];
    return { tone: 'bad', word: `${percent(failed.percent, 2)} failed`, says: `Most of them as \`${failed.name}\`${example ? `, for example: ${sentence(example)}` : '.'}` };
  }
  if (first) return { tone: severityTone(first.severity), word: word(first.kind), says: sentence(first.explanation) };
  if (totals.totalRequests === 0) return { tone: 'neutral', word: 'Not known', says: live ? 'No request has had an outcome yet.' : 'No request had an outcome, so nothing is known of the target.' };
  return { tone: 'good', word: 'Nothing found', says: live ? 'Nothing that limits the target has shown so far.' : 'Nothing that limits the target has shown at this load.' };
}

/** From this share of failed requests on, in percent, they come before the rules; and before all that was found. */
const [MANY_FAILED, MOST_FAILED] = [5, 50];

function mostFailed({ errors, totalRequests, outcomes }: Pick<Loaded, 'errors' | 'totalRequests' | 'outcomes'>): { name: string; percent: number } | null {
  const share = totalRequests > 0 ? (100 * outcomes.failed) / totalRequests : 0;
  const most = Object.entries(errors).sort(([, a], [, b]) => b - a)[0];
  return share >= MANY_FAILED && most ? { name: most[0], percent: share } : null;
}

const worst = (reasons: readonly Reason[]): Reason | undefined => reasons.find(({ verdict }) => verdict === 'INVALID') ?? reasons[0];

export function measurement(judged: Judged): Judgement {
  const validity = validityOf(judged);
  if (!judged.complete) {
    const lost = generatorOf(judged).lostWorkers?.length ?? 0;
    return { tone: 'bad', word: 'Incomplete', says: `Of ${plural(judged.arrivals.unknown, 'request')} nobody knows what became of them${lost > 0 ? `: ${plural(lost, 'worker')} ${lost === 1 ? 'was' : 'were'} lost` : ''}.` };
  }
  const reason = validity && worst(validity.reasons);
  if (validity?.verdict === 'VALID') return { tone: 'good', word: 'Valid', says: 'The load generator kept up: the figures are the target’s.' };
  if (!validity) return { tone: 'neutral', word: 'Not judged', says: 'Nothing says whether the load generator kept up.' };
  const tone = validity.verdict === 'INVALID' ? 'bad' : 'warning';
  return { tone, word: word(validity.verdict), says: reason ? sentence(reason.explanation) : 'Some figures include the load generator’s own troubles.' };
}

export interface Next {
  says: string;
  /** The part of the page that it follows from, or the screen on which it is done. */
  part: 'measurement' | 'findings' | 'rules' | 'plots' | 'outcome' | 'editor' | 'capacity';
}

type ForNext = Judged & Pick<Totals, 'bottlenecks' | 'sla' | 'errors' | 'totalRequests' | 'outcomes'>;

/** The one thing to do first: a measurement that cannot be trusted comes before what it says. */
export function nextStep(totals: ForNext, live: boolean): Next {
  const validity = validityOf(totals);
  const reason = validity && worst(validity.reasons);
  if (validity?.verdict === 'INVALID' && reason) return { part: 'measurement', says: `Measure again before you conclude anything: ${reason.remedy}.` };
  if (!totals.complete) return { part: 'measurement', says: 'Find out why a worker was lost, then run it again: some requests of this run are not accounted for.' };
  const finding = totals.bottlenecks.find(({ severity }) => severity !== 'info') ?? totals.bottlenecks[0];
  if (finding && finding.severity !== 'info') return { part: 'findings', says: sentence(finding.nextStep) };
  const failed = mostFailed(totals);
  if (totals.totalRequests === 0 && !live) return { part: 'outcome', says: 'Nothing was sent, or nothing came back: look at where every request went, and at the load profile.' };
  if (totals.totalRequests > 0 && totals.outcomes.ok === 0) return { part: 'outcome', says: 'Not one request was ok: look at the errors and check the address of the target, then run it again.' };
  if (failed) return { part: 'outcome', says: `${percent(failed.percent, 2)} of the requests failed, most of them as \`${failed.name}\`: look at its text, and at when it began.` };
  if (slaOf(totals).some(isViolated)) return { part: 'rules', says: 'Look at when the rule was violated, and what the plots show just before.' };
  if (validity?.verdict === 'DEGRADED' && reason) return { part: 'measurement', says: sentence(reason.remedy) };
  if (finding) return { part: 'findings', says: sentence(finding.nextStep) };
  if (live) return { part: 'plots', says: 'All is well so far: let it run, or raise the rate to see how much more the target takes.' };
  if (slaOf(totals).length === 0) return { part: 'editor', says: 'Add an SLA rule to the scenario, such as `ok_p99<250ms`: then the next run says by itself whether it is fast enough.' };
  return { part: 'capacity', says: 'All is well at this rate. Search for the capacity to learn how much more the target takes.' };
}

const UNITS: [suffix: RegExp, show: (value: number) => string][] = [
  [/Ms$/, latency],
  [/(Rps|PerSecond)$/, rate],
  [/(Share|Shares)$/, (value) => percent(value * 100)],
  [/Percent$/, percent],
  [/Seconds?$/, (value) => `${Number(value.toPrecision(4))} s`],
];

const split = (name: string): string => capital(name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase());

function shown(value: unknown, show: ((value: number) => string) | undefined): string {
  if (value === null || value === undefined) return NOTHING;
  if (typeof value === 'number') return show ? show(value) : Number.isInteger(value) ? count(value) : String(Number(value.toPrecision(4)));
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map((one) => shown(one, show)).join(', ');
  return JSON.stringify(value);
}

/** `medianBeforeMs: 11.8` as people read it: Median before, 11.8 ms. */
export function evidenceOf(evidence: Record<string, unknown>): [name: string, value: string][] {
  return Object.entries(evidence).map(([key, value]) => {
    const unit = UNITS.find(([suffix]) => suffix.test(key));
    // A share is named so; a time or a rate says what it is by its unit.
    const isShare = unit && /Share/.test(unit[0].source);
    const name = unit && !isShare ? key.replace(unit[0], '') || key : key;
    return [split(name), shown(value, unit?.[1])];
  });
}
