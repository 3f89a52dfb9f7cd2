// Makes an attempt to sign in: whether it is under way, and why it failed.
import { useState } from 'react';

export function useAttempt() {
  const [busy, setBusy] = useState<string | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  /** `name` tells several buttons apart. Stays busy where it worked, for the page goes elsewhere then, unless `stays`. */
  const attempt = async (name: string, run: () => Promise<unknown>, stays = false) => {
    setBusy(name);
    setFault(null);
    try {
      await run();
      if (stays) setBusy(null);
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error));
      setBusy(null);
    }
  };
  return { busy, fault, attempt };
}
