// Lists who changed what, or tried to: one's own, or for an admin everybody's.
import { useInfiniteQuery } from '@tanstack/react-query';
import type { AuditEntry } from '../../api/audit';
import { audit } from '../../api/queries';
import { Button, Card, Cell, Chip, Empty, Failed, format, Head, Loading, rowStyle, Table } from '../../ui';
import { useMay } from './Allowed';

const OUTCOMES = {
  done: { tone: 'good', icon: 'good', word: 'Done' },
  refused: { tone: 'warning', icon: 'warning', word: 'Refused' },
  failed: { tone: 'bad', icon: 'bad', word: 'Failed' },
} as const;

export function Audit() {
  const found = useInfiniteQuery(audit);
  const admin = useMay('admin');
  const entries = found.data?.pages.flat() ?? [];
  return (
    <Card title="Audit log" says={admin ? 'Who changed what, or tried to, the newest first: everybody’s, for you are an admin.' : 'What you changed, or tried to, the newest first.'} flush
      actions={<Button small icon="again" busy={found.isFetching && !found.isPending} onClick={() => found.refetch()}>Look again</Button>}>
      {found.isPending ? <Loading rows={8} /> : found.error ? <Failed error={found.error} what="The audit log" onRetry={() => found.refetch()} /> : entries.length === 0 ? <Empty icon="clock" title="Nothing was changed yet">Each test that is made, started or stopped stands here, with who did it and against which hosts.</Empty> : (
        <>
          <Table label="Audit log" dense head={<><Head>When</Head><Head>Who</Head><Head>What</Head><Head>Outcome</Head><Head>Against</Head><Head>Call</Head></>}>
            {entries.map((entry) => <Row key={entry.id} entry={entry} />)}
          </Table>
          {found.hasNextPage && <Button kind="quiet" busy={found.isFetchingNextPage} onClick={() => found.fetchNextPage()}>Older entries</Button>}
        </>
      )}
    </Card>
  );
}

function Row({ entry: { at, user, via, what, outcome, why, problem, status, call, against } }: { entry: AuditEntry }) {
  const known = outcome && OUTCOMES[outcome];
  const hosts = [against?.hosts?.join(', '), against?.ratePerSecond ? format.rate(against.ratePerSecond) : null].filter(Boolean).join(', at ');
  return (
    <tr className={rowStyle}>
      <Cell title={at}>{format.date(at)}</Cell>
      <Cell title={`${user}, by ${via}`}><span className="cut">{user}</span></Cell>
      <Cell>{format.word(what.replace('.', ' '))}</Cell>
      <Cell title={why ?? problem ?? (status ? String(status) : undefined)}>{known ? <Chip tone={known.tone} icon={known.icon}>{known.word}{problem ? `: ${format.word(problem.replaceAll('-', ' ')).toLowerCase()}` : ''}</Chip> : <Chip icon="clock" title="The controller ended before it was known">Not known</Chip>}</Cell>
      <Cell title={hosts}>{hosts || format.NOTHING}</Cell>
      <Cell mono title={call}>{call.replace('/api/v1', '')}</Cell>
    </tr>
  );
}
