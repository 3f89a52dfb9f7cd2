// Shows one search: its trials and its interval.
import { Loading, Page } from '../../ui';

export default function Search() {
  return <Page title="Search"><Loading rows={6} /></Page>;
}
