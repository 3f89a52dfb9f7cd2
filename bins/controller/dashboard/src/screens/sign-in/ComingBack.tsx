// Turns the code that somebody comes back with, from a service or a link in a mail, into a session.
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { take } from '../../api/pkce';
import { withCode, type SignInAt } from '../../api/supabase';
import { Button, Empty, Loading } from '../../ui';
import { enter } from './enter';

/** A code is good once, and so is used once, however often this is shown. */
const used = new Map<string, Promise<void>>();

export function ComingBack({ at, code }: { at: SignInAt; code: string }) {
  const [fault, setFault] = useState<string | null>(null);
  const navigate = useNavigate();
  useEffect(() => {
    const done = used.get(code) ?? exchange(at, code);
    used.set(code, done);
    done.catch((error: unknown) => setFault(error instanceof Error ? error.message : String(error)));
  }, [at, code]);
  if (fault === null) return <Loading rows={4} label="Signing in" />;
  const again = () => navigate({ to: '/sign-in', search: {}, replace: true });
  return <Empty icon="key" title="This sign-in did not come about" actions={<Button kind="primary" onClick={again}>Sign in again</Button>}>{fault}</Empty>;
}

async function exchange(at: SignInAt, code: string): Promise<void> {
  const begun = take();
  if (!begun) throw new Error('It was not begun in this browser, or too long ago. A link has to be opened in the browser in which it was asked for.');
  await enter(await withCode(at, code, begun.verifier), begun.to);
}
