// Keeps in the address which runs are compared, so that a link shows the same.
import { useNavigate, useSearch } from '@tanstack/react-router';

export const MOST_MORE = 6;

export interface Chosen {
  /** A run's id, or `baseline`. */
  base?: string;
  candidate?: string;
  more: string[];
  set: (change: { base?: string; candidate?: string; more?: string[] }) => void;
}

export function useChosen(): Chosen {
  const { base, candidate, more: text } = useSearch({ from: '/compare' });
  const navigate = useNavigate();
  const more = [...new Set((text ?? '').split(',').filter((id) => id !== '' && id !== base && id !== candidate))].slice(0, MOST_MORE);
  const set: Chosen['set'] = (change) => {
    const next = { base, candidate, more, ...change };
    void navigate({ to: '/compare', search: { base: next.base, candidate: next.candidate, more: next.more.length > 0 ? next.more.join(',') : undefined } });
  };
  return { base, candidate, more, set };
}
