// Shows how to sign in.
import { Loading, Page } from '../../ui';

export default function SignIn() {
  return <Page title="SignIn"><Loading rows={6} /></Page>;
}
