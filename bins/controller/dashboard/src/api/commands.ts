// Turns what people want done into calls. Each answers what the controller made of it.
import { call } from './client';
import type { Created, Domain, Limits, MadeToken, Run, Scenario, ScenarioView, Validation, Worker } from './types';

/** The same key for the same wish: whoever has to ask twice starts nothing twice. */
const once = (): Record<string, string> => ({ 'Idempotency-Key': crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` });

export const stop = (run: string) => call<Run>(`/runs/${run}/stop`, { method: 'POST' });
export const pause = (run: string) => call<Run>(`/runs/${run}/pause`, { method: 'POST' });
export const resume = (run: string) => call<Run>(`/runs/${run}/resume`, { method: 'POST' });
export const changeRate = (run: string, targetRps: number, overSeconds: number) =>
  call<Run>(`/runs/${run}/rate`, { method: 'PATCH', body: { targetRps, overSeconds } });
export const deleteRun = (run: string) => call<null>(`/runs/${run}`, { method: 'DELETE' });

/** `document` is a scenario; it starts at once unless it says `autoStart: false`. */
export const createScenario = (document: unknown) => call<Created>('/scenarios', { method: 'POST', body: document, headers: once() });
export const changeScenario = (id: string, document: unknown, revision: number) =>
  call<ScenarioView>(`/scenarios/${id}`, { method: 'PUT', body: document, headers: { 'If-Match': `"${revision}"` } });
export const deleteScenario = (id: string) => call<null>(`/scenarios/${id}`, { method: 'DELETE' });
export const startScenario = (id: string) => call<Created>(`/scenarios/${id}/runs`, { method: 'POST', headers: once() });
export const setBaseline = (id: string, runId: string | null) => call<ScenarioView>(`/scenarios/${id}/baseline`, { method: 'PUT', body: { runId } });
/** What would run, and every fault. */
export const validate = (document: unknown, signal?: AbortSignal) => call<Validation>('/scenarios/validate', { method: 'POST', body: document, signal });

export interface SearchOrder {
  scenarioId?: string;
  scenario?: Partial<Scenario>;
  slo: string;
  maxRate: number;
  durationSeconds?: number;
}
export const createSearch = (order: SearchOrder) => call<Created>('/capacity-searches', { method: 'POST', body: order, headers: once() });

export const drainWorker = (id: string) => call<Worker>(`/workers/${id}/drain`, { method: 'POST' });

export const createToken = (order: { name: string; scopes?: ('read' | 'run')[]; expiresInDays?: number }) => call<MadeToken>('/tokens', { method: 'POST', body: order });
export const deleteToken = (id: string) => call<null>(`/tokens/${id}`, { method: 'DELETE' });
export const setSecret = (name: string, value: string) => call<null>(`/secrets/${encodeURIComponent(name)}`, { method: 'PUT', body: { value } });
export const deleteSecret = (name: string) => call<null>(`/secrets/${encodeURIComponent(name)}`, { method: 'DELETE' });
export const setQuota = (user: string, limits: Partial<Limits>) => call(`/quotas/${encodeURIComponent(user)}`, { method: 'PUT', body: limits });
export const claimDomain = (domain: string) => call<Domain>(`/domains/${encodeURIComponent(domain)}`, { method: 'PUT' });
export const verifyDomain = (domain: string) => call<Domain>(`/domains/${encodeURIComponent(domain)}/verify`, { method: 'POST' });
export const deleteDomain = (domain: string) => call<null>(`/domains/${encodeURIComponent(domain)}`, { method: 'DELETE' });
export const halt = (reason: string) => call('/halt', { method: 'POST', body: { reason } });
export const liftHalt = () => call('/halt', { method: 'DELETE' });
