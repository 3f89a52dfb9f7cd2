// Keeps whether the page is light or dark: as the system has it, until somebody says otherwise.
import { useSyncExternalStore } from 'react';

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'loadcore.theme';
const listeners = new Set<() => void>();

const read = (): Theme => {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  } catch {
    return 'system';
  }
};

let theme: Theme = 'system';

function apply(to: Theme): void {
  theme = to;
  if (to === 'system') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.setAttribute('data-theme', to);
  for (const listener of listeners) listener();
}

/** Once, before anything is drawn. */
export function startTheme(): void {
  apply(read());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => apply(theme));
}

export function setTheme(to: Theme): void {
  try {
    if (to === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, to);
  } catch {
    // A browser that keeps nothing forgets it with the page.
  }
  apply(to);
}

const isDark = (): boolean => theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);

/** Tells when colours have changed; what is painted on a canvas is painted again. */
export const onTheme = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const useTheme = (): { theme: Theme; dark: boolean } => {
  const dark = useSyncExternalStore(onTheme, isDark);
  const chosen = useSyncExternalStore(onTheme, () => theme);
  return { theme: chosen, dark };
};
