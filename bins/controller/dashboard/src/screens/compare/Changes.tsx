// Turns the figures of a comparison into a table: before, now, how different and how sure; and the same change of further runs beside it.
import type { Comparison } from '../../api/types';
import { Cell, Chip, format, Head, rowStyle, Table } from '../../ui';
import styles from './compare.module.css';
import { reach } from './interval';
import { IntervalBar } from './IntervalBar';
import { figureName, signed, valueOf, wordsOf, type Change } from './words';

export interface Further {
  id: string;
  name: string;
  comparison: Comparison | undefined;
}

interface Props {
  label: string;
  /** What stands in the first column, and the change that the row is about. */
  rows: readonly { name: string; change: Change }[];
  tolerance: number;
  further?: readonly Further[];
  /** Where a further run has the row's change. */
  find?: (comparison: Comparison, name: string) => Change | undefined;
}

export function Changes({ label, rows, tolerance, further = [], find }: Props) {
  const most = reach(rows.map(({ change }) => change), tolerance);
  const head = (
    <>
      <Head>{label}</Head>
      <Head right>Base</Head>
      <Head right>Candidate</Head>
      <Head right>Change</Head>
      <Head title={`The dot is the change, the bar the interval that it lies in; the shaded part is the tolerance of ${tolerance}%`}><span className={styles.axis} aria-label={`From ${signed(-most)} to ${signed(most)}`}><span>{signed(-most)}</span><span>0</span><span>{signed(most)}</span></span></Head>
      <Head>Judgement</Head>
      {further.map(({ id, name }) => <Head key={id} right title={name}>{name}</Head>)}
    </>
  );
  return (
    <Table label={label} head={head}>
      {rows.map(({ name, change }) => (
        <tr key={name} className={rowStyle} title={change.explanation}>
          <Cell title={name}><span className="cut">{figureName(name)}</span></Cell>
          <Cell right>{valueOf(change.base, change.unit)}</Cell>
          <Cell right>{valueOf(change.candidate, change.unit)}</Cell>
          <Cell right>{change.unit === '%' ? points(change.difference) : signed(change.changePercent)}</Cell>
          <Cell><IntervalBar change={change} most={most} tolerance={tolerance} /></Cell>
          <Cell><JudgementChip judgement={change.judgement} /></Cell>
          {further.map(({ id, comparison }) => <FurtherCell key={id} change={comparison && find?.(comparison, name)} />)}
        </tr>
      ))}
    </Table>
  );
}

/** Of shares the difference is told in points, for percent of percent confuse. */
const points = (difference: number | null): string => (difference === null ? format.NOTHING : `${signed(difference).replace('%', '')} points`);

export function JudgementChip({ judgement }: { judgement: string }) {
  const { tone, icon, word, title } = wordsOf(judgement);
  return <Chip tone={tone} icon={icon} title={title}>{word}</Chip>;
}

function FurtherCell({ change }: { change: Change | undefined }) {
  if (!change) return <Cell right>{format.NOTHING}</Cell>;
  const { tone, word } = wordsOf(change.judgement);
  return <Cell right title={change.explanation}>{valueOf(change.candidate, change.unit)} <span className={styles[tone]} title={word}>{change.unit === '%' ? points(change.difference) : signed(change.changePercent)}</span></Cell>;
}
