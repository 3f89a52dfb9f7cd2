// Shows a scenario that is made.
import { Loading, Page } from '../../ui';

export default function NewScenario() {
  return <Page title="NewScenario"><Loading rows={6} /></Page>;
}
