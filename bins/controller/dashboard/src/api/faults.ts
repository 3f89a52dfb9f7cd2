// Turns what the controller found wrong into what stands at which field.
import { ApiError } from './client';

const faultsOf = (error: unknown) => (error instanceof ApiError ? error.faults : []);

/** What is wrong with the field at `place`: a path, or a pattern of several. */
export function faultsAt(error: unknown, place: string | RegExp): string[] {
  return faultsOf(error).filter(({ path }) => (typeof place === 'string' ? path === place : place.test(path))).map(({ message }) => message);
}

/** What is wrong and stands at none of these fields; of an error without faults its own words. */
export function faultsElsewhere(error: unknown, places: readonly (string | RegExp)[]): string[] {
  if (!error) return [];
  const all = faultsOf(error);
  if (all.length === 0) return [error instanceof Error ? error.message : String(error)];
  return all.filter(({ path }) => !places.some((place) => (typeof place === 'string' ? path === place : place.test(path)))).map(({ path, message }) => (path ? `${path} ${message}` : message));
}
