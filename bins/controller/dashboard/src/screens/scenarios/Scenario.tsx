// Shows a scenario with the history of its runs.
import { Loading, Page } from '../../ui';

export default function Scenario() {
  return <Page title="Scenario"><Loading rows={6} /></Page>;
}
