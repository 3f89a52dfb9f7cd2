// Tells which faults people should see by now, and which field holds one.
import type { Fault } from '../../api/types';
import { get, text, type Doc } from './document';
import { upwards } from './paths';

/** Who has not come to a field yet is not told that it is empty; who wanted to start is. Without a URL the name is no matter: it follows the URL. */
export function shownFaults(faults: readonly Fault[], document: Doc, hasTried: boolean): Fault[] {
  const isEmpty = (path: string) => text(get(document, path)) === '';
  const lacksUrl = isEmpty('targetUrl') && faults.some(({ path }) => path === 'targetUrl');
  return faults.filter(({ path }) => {
    if (path === 'name') return !isEmpty('name') || (hasTried && !lacksUrl);
    return path !== 'targetUrl' || !isEmpty('targetUrl') || hasTried;
  });
}

/** The field of the form that is at a path, or holds it; null where the form has none. */
export function fieldFor(form: HTMLElement, path: string): HTMLElement | null {
  const fields = new Map([...form.querySelectorAll<HTMLElement>('[data-path]')].map((field) => [field.dataset.path!, field]));
  return upwards(path).map((it) => fields.get(it)).find((field) => field !== undefined) ?? null;
}

/** Opens what is folded around a field, and goes there. */
export function goTo(field: HTMLElement): void {
  for (let fold = field.closest('details'); fold; fold = fold.parentElement?.closest('details') ?? null) fold.open = true;
  field.scrollIntoView({ block: 'center' });
  const target = field.matches('input, select, textarea, [tabindex]') ? field : field.querySelector<HTMLElement>('input, select, textarea, button');
  target?.focus({ preventScroll: true });
}
