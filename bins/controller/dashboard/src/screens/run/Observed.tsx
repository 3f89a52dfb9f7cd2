// Shows what the target told of itself while it was loaded, beside the load.
import { useMemo, useState } from 'react';
import type { Observed as Endpoint } from '../../api/result';
import type { Finding } from '../../api/types';
import { TimePlot } from '../../plots';
import { Button, Card, Cell, Empty, format, Grid, Head, Input, Notice, Sparkline, Table, chosenRowStyle, rowStyle } from '../../ui';
import { spreadOf, thinned } from './courses';
import styles from './Run.module.css';

interface Row {
  key: string;
  endpoint: string;
  series: Endpoint['series'][number];
  /** A finding names it as its witness. */
  isWitness: boolean;
}

const SHOWN = 12;
const MOST_PLOTS = 4;

function rowsOf(observed: readonly Endpoint[], findings: readonly Finding[]): Row[] {
  const witnesses = new Set(findings.flatMap(({ witnesses: list }) => list.map(({ name, series }) => `${name} ${series}`)));
  const rows = observed.flatMap(({ name, series }) => series.map((one) => ({ key: `${name} ${one.series}`, endpoint: name, series: one, isWitness: witnesses.has(`${name} ${one.series}`) })));
  // What moved with a finding comes first.
  return [...rows.filter(({ isWitness }) => isWitness), ...rows.filter(({ isWitness }) => !isWitness)];
}

export function Observed({ observed, findings }: { observed: readonly Endpoint[]; findings: readonly Finding[] }) {
  const rows = useMemo(() => rowsOf(observed, findings), [observed, findings]);
  const [wanted, setWanted] = useState('');
  const [all, setAll] = useState(false);
  const [chosen, setChosen] = useState<readonly string[] | null>(null);
  // Until somebody chooses, what moved with a finding.
  const plotted = chosen ?? rows.filter(({ isWitness }) => isWitness).slice(0, MOST_PLOTS).map(({ key }) => key);
  const found = rows.filter(({ key }) => key.toLowerCase().includes(wanted.trim().toLowerCase()));
  const shown = all || wanted ? found : found.slice(0, SHOWN);
  const choose = (key: string) => setChosen(plotted.includes(key) ? plotted.filter((other) => other !== key) : [...plotted, key].slice(-MOST_PLOTS));
  return (
    <Card title="Metrics of the target" says="What the target told of itself, read once a second. Choose some to see them beside the load." flush
      actions={rows.length > SHOWN && <Input quiet label="Search metrics" placeholder="Search metrics" value={wanted} onChange={(event) => setWanted(event.target.value)} />}>
      <Faults observed={observed} />
      {rows.length === 0 ? <Empty icon="gauge" title="Nothing has changed yet">Series that never change are left out: they say nothing.</Empty> : (
        <>
          {plotted.length > 0 && <div className={styles.course}><Grid least={360}>{plotted.map((key) => <Plot key={key} row={rows.find((row) => row.key === key)} />)}</Grid></div>}
          <div className={styles.tall}>
            <Table dense label="Metrics of the target" head={<><Head>Series</Head><Head>Of</Head><Head title="How its values come about">Kind</Head><Head right>Last</Head><Head right>Lowest</Head><Head right>Highest</Head><Head>Course</Head></>}>
              {shown.map((row) => <One key={row.key} row={row} isChosen={plotted.includes(row.key)} onChoose={choose} />)}
            </Table>
          </div>
          {shown.length < found.length && <p className={styles.more}><Button kind="quiet" small onClick={() => setAll(true)}>{`Show all ${format.count(found.length)}`}</Button></p>}
          {found.length === 0 && <Empty icon="search" title="No such metric">Its name and the name of its endpoint are looked through.</Empty>}
        </>
      )}
    </Card>
  );
}

function Faults({ observed }: { observed: readonly Endpoint[] }) {
  const silent = observed.filter(({ failedReadings }) => failedReadings > 0);
  return (
    <>
      {silent.map(({ name, readings, failedReadings, faults }) => (
        <Notice key={name} tone="warning">{name} told nothing {format.count(failedReadings)} of {format.count(readings)} times{faults[0] ? `: ${faults[0].text}` : ''}.</Notice>
      ))}
    </>
  );
}

const KINDS: Record<string, string> = { gauge: 'As it was told', rate: 'Growth per second', mean: 'Mean of what it was told', share: 'Share of what there is' };

const shownAs = (kind: string) => (value: number | null) => (kind === 'share' && value !== null ? format.percent(value * 100) : kind === 'rate' ? format.rate(value) : format.short(value));

function One({ row: { key, endpoint, series, isWitness }, isChosen, onChoose }: { row: Row; isChosen: boolean; onChoose: (key: string) => void }) {
  const { last, least, greatest } = spreadOf(series.values);
  const show = shownAs(series.kind);
  return (
    <tr className={`${rowStyle} ${isChosen ? chosenRowStyle : ''}`}>
      <Cell mono title={series.series}><button type="button" className={styles.nameButton} aria-pressed={isChosen} onClick={() => onChoose(key)}>{series.series}</button></Cell>
      <Cell title={endpoint}>{endpoint}{isWitness && <span className="soft"> · moved with a finding</span>}</Cell>
      <Cell><span className="soft">{KINDS[series.kind] ?? series.kind}</span></Cell>
      <Cell right>{show(last)}</Cell>
      <Cell right>{show(least)}</Cell>
      <Cell right>{show(greatest)}</Cell>
      <Cell><Sparkline label="Over time" values={thinned(series.values.map((value) => value ?? NaN))} /></Cell>
    </tr>
  );
}

function Plot({ row }: { row: Row | undefined }) {
  const columns = useMemo(() => row && { x: row.series.second, y: row.series.values.map((value) => value ?? NaN) }, [row]);
  if (!row || !columns) return null;
  const rowSeconds = columns.x.length > 1 ? columns.x[1]! - columns.x[0]! : 1;
  return <TimePlot label={`${row.series.series} over time.`} x={columns.x} rowSeconds={rowSeconds} format={shownAs(row.series.kind)} lines={[{ label: row.series.series, y: columns.y, colour: row.isWitness ? 'series-4' : 'series-5' }]} height={170} />;
}
