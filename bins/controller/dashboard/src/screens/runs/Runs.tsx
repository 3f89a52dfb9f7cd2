// Shows the runs that go on, and all others.
import { Loading, Page } from '../../ui';

export default function Runs() {
  return <Page title="Runs"><Loading rows={6} /></Page>;
}
