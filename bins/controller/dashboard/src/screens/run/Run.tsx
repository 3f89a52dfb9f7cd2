// Shows one run, live or its result.
import { Loading, Page } from '../../ui';

export default function Run() {
  return <Page title="Run"><Loading rows={6} /></Page>;
}
