// Shows tokens, secrets, quotas, domains, the audit log and the halt.
import { Loading, Page } from '../../ui';

export default function Settings() {
  return <Page title="Settings"><Loading rows={6} /></Page>;
}
