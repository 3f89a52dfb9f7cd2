// Says in a sentence how response time and service time differ, and what that means.
import type { Totals } from '../../api/types';
import { latency } from '../../ui/format';

/** Below a tenth, and below a millisecond, the two are the same for people. */
const ALIKE = 1.1;
const ALIKE_MS = 1;

export function differenceInWords({ latency: response, serviceTime: service }: Pick<Totals, 'latency' | 'serviceTime'>): string {
  const [whole, own] = [response.p99Ms, service.p99Ms];
  const meaning = 'Response time counts from the moment a request was due, service time from the start of its attempt';
  if (whole === null || own === null) return `${meaning}.`;
  if (whole < own * ALIKE || whole - own < ALIKE_MS) return `${meaning}: here they are alike (p99 ${latency(whole)} and ${latency(own)}), so hardly a request had to wait for its turn.`;
  return `${meaning}: at p99 ${latency(whole)} and ${latency(own)}. The difference, ${latency(whole - own)}, is time that users would have waited because the requests before theirs had not ended.`;
}

interface Headroomed {
  bottlenecks: readonly { kind: string; evidence: Record<string, unknown> }[];
  headroom: readonly { rule: string; failedAtRps: number | null }[];
}

const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

/** The rate from which on the target gets worse: as a finding names it, else as the first rule that broke. */
export function kneeOf({ bottlenecks, headroom }: Headroomed): { rps: number; says: string } | null {
  for (const { kind, evidence } of bottlenecks) {
    const rps = kind === 'saturation' ? number(evidence.capacityRps) : kind === 'rate_limited' ? number(evidence.limitRps) : null;
    if (rps !== null) return { rps, says: kind === 'saturation' ? 'the target takes no more than about this rate' : 'what exceeds this rate is turned away' };
  }
  const broken = headroom.flatMap(({ rule, failedAtRps }) => (failedAtRps === null ? [] : [{ rule, failedAtRps }])).sort((a, b) => a.failedAtRps - b.failedAtRps)[0];
  return broken ? { rps: broken.failedAtRps, says: `${broken.rule} does not hold from here on` } : null;
}
