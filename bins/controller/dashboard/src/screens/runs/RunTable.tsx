// Turns runs into the rows of the great table: figures beside each other, a link over each row, a box to choose it.
import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import { writeOrder, type Order } from '../../api/run-list';
import type { Run } from '../../api/types';
import { lastedInWords } from '../../api/words';
import { Cell, chosenRowStyle, coverStyle, format, Head, onTopStyle, rowStyle, Table, Two, VirtualRows, type Sort } from '../../ui';
import { RunFigureCells, RunFigureHeads } from '../shared/RunFigures';
import styles from './Runs.module.css';

interface Props {
  runs: readonly Run[];
  order: Order | null;
  onOrder: (order: Order) => void;
  chosen: ReadonlySet<string>;
  onChoose: (run: string) => void;
  onEnd: () => void;
}

export function RunTable({ runs, order, onOrder, chosen, onChoose, onEnd }: Props) {
  const common = { sort: order ?? { by: 'when', down: true }, onSort: (sort: Sort) => onOrder(sort as Order) };
  const head = (
    <>
      <Head name="name" {...common}>Run</Head>
      <RunFigureHeads {...common} />
      <Head name="when" width={128} room="some" {...common}>When</Head>
    </>
  );
  return (
    <Table label="All runs" head={head} rows={runs.length} dense fixed cards>
      {/* Another order begins above. */}
      <VirtualRows key={order ? writeOrder(order) : ''} items={runs} height={46} onEnd={onEnd}>
        {(run, place) => <Row key={run.id} run={run} place={place} chosen={chosen.has(run.id)} onChoose={onChoose} />}
      </VirtualRows>
    </Table>
  );
}

/** Drawn again only where it has changed: while the table is scrolled most rows stay. */
const Row = memo(function Row({ run, place, chosen, onChoose }: { run: Run; place: number; chosen: boolean; onChoose: (run: string) => void }) {
  const { name, targetUrl } = run.scenario;
  return (
    <tr className={`${rowStyle} ${chosen ? chosenRowStyle : ''} ${styles.row}`} aria-rowindex={place}>
      <Cell>
        <span className={styles.named}>
          <label className={`${onTopStyle} ${styles.box}`}><input type="checkbox" aria-label={`Choose ${name}`} checked={chosen} onChange={() => onChoose(run.id)} /></label>
          <Two below={<span title={targetUrl}>{targetUrl}</span>}><Link to="/runs/$id" params={{ id: run.id }} className={coverStyle} title={name} preload={false}>{name}</Link></Two>
        </span>
      </Cell>
      <RunFigureCells run={run} />
      <Cell room="some" title={`Asked for ${format.date(run.createdAt)}`}><Two below={lastedInWords(run)}>{format.ago(run.createdAt)}</Two></Cell>
    </tr>
  );
});
