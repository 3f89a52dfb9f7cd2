// Finds out whether the controller asks for a sign-in, and takes up the session of before where there is one.
import type { QueryClient } from '@tanstack/react-query';
import { ApiError } from './client';
import { about } from './queries';
import { session } from './session';
import { refresh, type SignInAt } from './supabase';
import type { About } from './types';

/** Where this browser can sign in; null where a token has to be pasted. */
export const signInAt = (platform: About | undefined): SignInAt | null => {
  const { url, publishableKey } = platform?.signIn ?? {};
  return url && publishableKey ? { url, publishableKey } : null;
};

export function startSession(queries: QueryClient): void {
  session.startBy(async () => {
    const platform = await queries.fetchQuery({ ...about, retry: false }).catch((error: unknown) => {
      // A controller of before this call says nothing of a sign-in; where it asks for one it refuses, and a token can be pasted.
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    });
    if (!platform?.signIn) return session.open();
    const at = signInAt(platform);
    session.ask(at && ((refreshToken) => refresh(at, refreshToken)));
  });
}
