// Turns the audit log's lines into entries.

/** Somebody changed something, or tried to. */
export interface AuditEntry {
  id: string;
  at: string;
  user: string;
  /** How they said who they are: `sign-in`, `token ID`, `name`. */
  via: string;
  /** `run.started` */
  what: string;
  call: string;
  /** Null where the controller ended before it was known. */
  outcome: 'done' | 'refused' | 'failed' | null;
  status?: number | null;
  problem?: string | null;
  why?: string | null;
  made?: string | null;
  against?: { hosts?: string[]; ratePerSecond?: number | null } | null;
}

/** A line that cannot be read is passed over. */
export function parseLines(text: string): AuditEntry[] {
  return text.split('\n').flatMap((line) => {
    try {
      const entry = JSON.parse(line) as AuditEntry;
      return typeof entry?.id === 'string' ? [{ ...entry, outcome: entry.outcome ?? null }] : [];
    } catch {
      return [];
    }
  });
}
