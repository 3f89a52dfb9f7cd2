// Shows what is inside only to those who may ask for it: who has to sign in first is sent there, and comes back.
import { Navigate, useRouterState } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useSession } from '../api/use-session';

export function SignedIn({ children }: { children: ReactNode }) {
  const to = useRouterState({ select: (state) => state.location.href });
  // While it is not known yet, the screens wait for their data as they do anyway.
  return useSession() === 'out' ? <Navigate to="/sign-in" search={to === '/' ? {} : { to }} replace /> : children;
}
