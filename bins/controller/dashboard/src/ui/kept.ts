// Keeps how somebody likes to look at something, for the next time in the same browser.
import { useState } from 'react';

/** `parse` makes of what was kept what can be used, or nothing: another version of the page may have kept it. */
export function useKept<T>(name: string, first: T, parse: (kept: unknown) => T | null): [T, (value: T) => void] {
  const key = `loadcore.${name}`;
  const [value, setValue] = useState<T>(() => {
    try {
      return parse(JSON.parse(localStorage.getItem(key) ?? 'null')) ?? first;
    } catch {
      return first;
    }
  });
  const keep = (to: T): void => {
    setValue(to);
    try {
      localStorage.setItem(key, JSON.stringify(to));
    } catch {
      // A browser that keeps nothing forgets it with the page.
    }
  };
  return [value, keep];
}
