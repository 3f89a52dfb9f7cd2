// Shows a scenario that is changed.
import { Loading, Page } from '../../ui';

export default function EditScenario() {
  return <Page title="EditScenario"><Loading rows={6} /></Page>;
}
