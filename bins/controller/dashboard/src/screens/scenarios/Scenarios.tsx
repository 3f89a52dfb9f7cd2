// Shows the scenarios that are kept.
import { Loading, Page } from '../../ui';

export default function Scenarios() {
  return <Page title="Scenarios"><Loading rows={6} /></Page>;
}
