// Shows who makes the load.
import { Loading, Page } from '../../ui';

export default function Workers() {
  return <Page title="Workers"><Loading rows={6} /></Page>;
}
