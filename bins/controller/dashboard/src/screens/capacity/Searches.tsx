// Shows searches for a capacity.
import { Loading, Page } from '../../ui';

export default function Searches() {
  return <Page title="Searches"><Loading rows={6} /></Page>;
}
