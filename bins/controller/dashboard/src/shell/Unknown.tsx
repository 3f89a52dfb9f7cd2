// Says that there is nothing at an address.
import { Empty, LinkButton, Page } from '../ui';

export function Unknown() {
  return (
    <Page title="Nothing here">
      <Empty icon="search" title="There is no page at this address" actions={<LinkButton to="/">All runs</LinkButton>}>
        It may have been typed wrong, or what it showed was deleted.
      </Empty>
    </Page>
  );
}
