// Shows what is different between runs.
import { Loading, Page } from '../../ui';

export default function Compare() {
  return <Page title="Compare"><Loading rows={6} /></Page>;
}
