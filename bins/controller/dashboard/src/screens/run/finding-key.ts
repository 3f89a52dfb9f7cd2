// Turns a finding into what it is known by, however often it is told.
import type { Finding } from '../../api/types';

export const keyOf = (finding: Finding): string => `${finding.kind} ${finding.request ?? ''} ${finding.fromSecond}`;
