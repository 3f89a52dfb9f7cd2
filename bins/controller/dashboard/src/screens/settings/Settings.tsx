// Shows what is set for a user and for the platform: secrets, tokens, quotas, domains, the audit log, the halt.
import { Navigate, useParams } from '@tanstack/react-router';
import type { ComponentType } from 'react';
import { Unknown } from '../../shell/Unknown';
import { Page, Tabs } from '../../ui';
import { AboutPlatform } from './AboutPlatform';
import { Audit } from './Audit';
import { Domains } from './Domains';
import { HaltAll } from './HaltAll';
import { Quotas } from './Quotas';
import { Secrets } from './Secrets';
import { Tokens } from './Tokens';

const PARTS: { part: string; label: string; Part: ComponentType }[] = [
  { part: 'secrets', label: 'Secrets', Part: Secrets },
  { part: 'tokens', label: 'API tokens', Part: Tokens },
  { part: 'quotas', label: 'Quotas', Part: Quotas },
  { part: 'domains', label: 'Domains', Part: Domains },
  { part: 'audit', label: 'Audit log', Part: Audit },
  { part: 'halt', label: 'Halt', Part: HaltAll },
  { part: 'about', label: 'About', Part: AboutPlatform },
];

export default function Settings() {
  const { part } = useParams({ strict: false });
  const shown = PARTS.find((known) => known.part === part);
  if (part === undefined) return <Navigate to="/settings/$part" params={{ part: PARTS[0]!.part }} replace />;
  if (!shown) return <Unknown />;
  const tabs = PARTS.map(({ part: name, label }) => ({ label, link: { to: '/settings/$part', params: { part: name } } as const }));
  return (
    <Page title="Settings" name={`${shown.label}, settings`} tabs={<Tabs label="Settings" tabs={tabs} />}>
      <shown.Part />
    </Page>
  );
}
