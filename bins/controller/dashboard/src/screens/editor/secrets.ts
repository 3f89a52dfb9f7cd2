// Tells what of a scenario is secret, and fits a stored one, whose secrets are shown as [redacted], for being judged.
import type { Fault } from '../../api/types';
import { get, isObject, set, type Doc, type Json } from './document';

export const REDACTED = '[redacted]';
/** Parts of the names of headers that carry secrets, as the controller has them. */
const NAMES = ['auth', 'cookie', 'token', 'secret', 'password', 'api-key', 'apikey'];

export const isSecretHeader = (name: string): boolean => NAMES.some((part) => name.toLowerCase().includes(part));

export const isRedacted = (value: Json | undefined): boolean => typeof value === 'string' && value.includes(REDACTED);

export const byName = (name: string): string => `\${secret:${name}}`;

/** A named secret, not a secret that stands there itself. */
export const isNamed = (value: string): boolean => /\$\{secret:[^}]*\}/.test(value);

/** Whether anything in it reads [redacted]. */
export const hasRedacted = (value: Json | undefined): boolean =>
  isRedacted(value) || (Array.isArray(value) ? value.some(hasRedacted) : isObject(value) ? Object.values(value).some(hasRedacted) : false);

/**
 * What is sent to be judged. The controller judges a document by itself, without what is stored: it would ask for each value that reads
 * [redacted] anew. Of a stored scenario they are kept when it is saved, so here something of their kind stands for them.
 * `back` turns the paths of faults into those of the document.
 */
export function judged(document: Doc, isStored: boolean): { document: Doc; back: (fault: Fault) => Fault } {
  const same = (fault: Fault) => fault;
  if (!isStored || !hasRedacted(document)) return { document, back: same };
  let fit = document;
  for (const field of ['headers', 'cookies'] as const) fit = isObject(fit[field]) ? set(fit, field, standIn(fit[field], 'kept')) : fit;
  if (Array.isArray(fit.mix)) {
    fit = set(fit, 'mix', fit.mix.map((request) => (isObject(request) && isObject(request.headers) ? { ...request, headers: standIn(request.headers, 'kept') } : request)));
  }
  if (isRedacted(fit.proxy)) fit = set(fit, 'proxy', String(fit.proxy).replaceAll(REDACTED, 'kept'));
  // A key has to fit its certificate, which cannot be made up.
  if (isRedacted(get(fit, 'clientCertificate.key'))) fit = set(fit, 'clientCertificate', undefined);
  const alerts = Array.isArray(fit.alerts) ? fit.alerts : [];
  const left = alerts.flatMap((alert, place) => (isObject(alert) && isRedacted(alert.url) ? [] : [place]));
  if (alerts.length > 0) {
    const signed = (alert: Json): Json => (isObject(alert) && isRedacted(alert.secret) ? { ...alert, secret: 'kept-as-it-is-stored' } : alert);
    fit = set(fit, 'alerts', left.map((place) => signed(alerts[place]!)));
  }
  const back = (fault: Fault): Fault => ({ ...fault, path: fault.path.replace(/^alerts\[(\d+)\]/, (path, place) => (left[Number(place)] === undefined ? path : `alerts[${left[Number(place)]}]`)) });
  return { document: fit, back };
}

const standIn = (value: Json | undefined, word: string): Json =>
  isRedacted(value) ? word : Array.isArray(value) ? value.map((it) => standIn(it, word)) : isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, it]) => [key, standIn(it, word)])) : (value ?? null);
