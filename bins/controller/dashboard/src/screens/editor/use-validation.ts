// Asks the controller what would run of a document, some time after its last change; answers to older ones are not awaited.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import * as commands from '../../api/commands';
import type { Fault, Preview } from '../../api/types';
import type { Doc } from './document';
import { judged } from './secrets';

const PAUSE_MS = 250;
const RETRY_MS = 5000;

export interface Verdict {
  faults: Fault[];
  /** What would run; while there are faults what would have run before them. */
  plan: Preview | null;
  /** The plan is of this very document. */
  isCurrent: boolean;
  /** It could not be asked. */
  error: unknown;
  isAsking: boolean;
  again: () => void;
}

export function useValidation(document: Doc | null, isStored: boolean): Verdict {
  const settled = useSettled(document);
  const { data, error, isFetching, isPlaceholderData, refetch } = useQuery({
    queryKey: ['validate', isStored, settled],
    queryFn: async ({ signal }) => {
      const { document: fit, back } = judged(settled!, isStored);
      const { faults, plan } = await commands.validate(fit, signal);
      return { faults: faults.map(back), plan: plan ?? null };
    },
    enabled: settled !== null,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    gcTime: 30_000,
    retry: false,
    // Once the controller is back it goes on by itself.
    refetchInterval: ({ state }) => (state.status === 'error' ? RETRY_MS : false),
  });
  const [before, setBefore] = useState<Preview | null>(null);
  const plan = data?.plan ?? null;
  useEffect(() => {
    if (plan) setBefore(plan);
  }, [plan]);
  const faults = useMemo(() => data?.faults ?? [], [data]);
  return { faults, plan: plan ?? before, isCurrent: plan !== null && !isPlaceholderData && settled === document, error, isAsking: isFetching || settled !== document, again: () => void refetch() };
}

/** The value as it was when it had not changed for a while. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
