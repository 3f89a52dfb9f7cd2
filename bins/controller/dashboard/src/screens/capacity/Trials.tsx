// Lists the trials of a search, the newest first, with why one did not hold.
import type { Capacity } from '../../api/types';
import { Cell, Chip, format, Head, rowStyle, Table, VerdictChip } from '../../ui';
import { outcomeOf, type Outcome, type Trial } from './trials';

const CHIPS: Record<Outcome, { tone: 'good' | 'bad' | 'warning' | 'neutral'; icon: 'good' | 'bad' | 'warning' | 'info'; word: string; title: string }> = {
  held: { tone: 'good', icon: 'good', word: 'Held', title: 'The objective held at this rate' },
  failed: { tone: 'bad', icon: 'bad', word: 'Did not hold', title: 'The objective did not hold at this rate' },
  generator: { tone: 'warning', icon: 'warning', word: 'Generator', title: 'The load generator was in trouble: it says nothing of the target' },
  uncounted: { tone: 'neutral', icon: 'info', word: 'Not counted', title: 'It is no part of what is said of the capacity' },
};

export function Trials({ capacity }: { capacity: Capacity }) {
  const rows = capacity.trials.map((trial, place) => ({ trial, place })).reverse();
  return (
    <Table label="Trials" dense head={<><Head right>Trial</Head><Head right>At</Head><Head right>Offered</Head><Head right>Achieved</Head><Head right>{capacity.slo.split(/[<>]/)[0]}</Head><Head>Outcome</Head><Head>Measurement</Head><Head>Why</Head></>}>
      {rows.map(({ trial, place }) => <Row key={place} trial={trial} place={place} />)}
    </Table>
  );
}

function Row({ trial, place }: { trial: Trial; place: number }) {
  const { tone, icon, word, title } = CHIPS[outcomeOf(trial)];
  const why = trial.reason ? trial.reason.charAt(0).toUpperCase() + trial.reason.slice(1) : format.word(trial.causes.join(', '));
  return (
    <tr className={rowStyle}>
      <Cell right>{place + 1}</Cell>
      <Cell right>{format.moment(trial.fromSecond)}</Cell>
      <Cell right>{format.rate(trial.rate)}</Cell>
      <Cell right>{format.rate(trial.achievedRps)}</Cell>
      <Cell right>{trial.unit === '%' ? format.percent(trial.figure) : format.latency(trial.figure)}</Cell>
      <Cell><Chip tone={tone} icon={icon} title={title}>{word}</Chip></Cell>
      <Cell><VerdictChip verdict={trial.verdict} /></Cell>
      <Cell title={why}><span className="cut">{why || format.NOTHING}</span></Cell>
    </tr>
  );
}
