// Tells a screen how the session is, and again when that changes.
import { useSyncExternalStore } from 'react';
import { session, type SessionState } from './session';

export const useSession = (): SessionState => useSyncExternalStore(session.listen, () => session.state);
