// Turns a sign-in that came about into a session, where the controller takes it.
import { call, ApiError } from '../../api/client';
import type { Kept } from '../../api/kept';
import { session } from '../../api/session';
import type { Me } from '../../api/types';
import { wayBack } from './way-back';

/** Asks the controller first: what it does not take is not kept. Then the page is loaded anew, so that nothing of who was here before is left in it. */
export async function enter(kept: Kept, to: string | null | undefined): Promise<void> {
  try {
    await call<Me>('/me', { token: kept.accessToken });
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) throw new Error(`The controller does not take this sign-in: ${error.message}`);
    throw error;
  }
  session.set(kept);
  location.replace(wayBack(to, location.origin));
}
