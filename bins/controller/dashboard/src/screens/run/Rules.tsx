// Shows what each SLA rule came to, when it was violated, and up to which rate it held.
import type { SlaOutcome, Totals } from '../../api/types';
import { Card, Cell, Chip, format, Head, LinkButton, Nothing, Table } from '../../ui';
import { figure, sentence } from './judge';
import styles from './Run.module.css';

interface Props {
  sla: readonly SlaOutcome[];
  headroom: Totals['headroom'];
  scenarioId: string;
}

export function Rules({ sla, headroom, scenarioId }: Props) {
  if (sla.length === 0) {
    return (
      <Card title="SLA rules">
        <Nothing icon="flag" title="No rules." actions={<LinkButton to="/scenarios/$id/edit" params={{ id: scenarioId }} icon="plus" small>Add a rule</LinkButton>}>
          A rule such as <code>ok_p99&lt;250ms</code> or <code>error_rate&lt;1%</code> says what is fast enough; the run then judges itself, and a pipeline fails when it does not hold.
        </Nothing>
      </Card>
    );
  }
  const hasHeadroom = headroom.length > 0;
  return (
    <Card title="SLA rules" says="What was promised, and what came of it." flush>
      <Table label="SLA rules" head={<><Head>Rule</Head><Head>Holds</Head><Head right>Actual</Head><Head title="Sliding window; without one the whole run counts">Over</Head><Head>Violated</Head>{hasHeadroom && <Head title="The highest offered rate up to which it held">Held up to</Head>}</>}>
        {sla.map((outcome, place) => (
          <tr key={place}>
            <Cell mono title={outcome.rule}><span className={styles.rule}>{outcome.rule}</span></Cell>
            <Cell>{outcome.passed ? <Chip tone="good" icon="good">Holds</Chip> : <Chip tone="bad" icon="bad">{outcome.aborted ? 'Ended the run' : 'Violated'}</Chip>}</Cell>
            <Cell right>{figure(outcome.actual, outcome.unit)}</Cell>
            <Cell>{outcome.windowSeconds ? format.duration(outcome.windowSeconds) : 'The run'}</Cell>
            <Cell><span className={styles.words}>{whenInWords(outcome)}</span></Cell>
            {hasHeadroom && <Cell><Headroom headroom={headroom.find(({ rule }) => rule === outcome.rule)} /></Cell>}
          </tr>
        ))}
      </Table>
    </Card>
  );
}

const SHOWN = 3;

function whenInWords({ violations = [], reason, unit }: SlaOutcome): string {
  const times = violations.slice(0, SHOWN).map(({ fromSecond, toSecond, worst }) => `${format.moment(fromSecond)} to ${format.moment(toSecond)}${worst === null ? '' : ` (${figure(worst, unit)})`}`);
  const more = violations.length > SHOWN ? [`and ${format.count(violations.length - SHOWN)} more times`] : [];
  const when = [...times, ...more].join(', ');
  const why = reason ? sentence(reason) : '';
  return [when, why].filter(Boolean).join('. ') || '–';
}

function Headroom({ headroom }: { headroom: Totals['headroom'][number] | undefined }) {
  if (!headroom || (headroom.heldUpToRps === null && headroom.failedAtRps === null)) return <>–</>;
  const { heldUpToRps, failedAtRps } = headroom;
  const failed = failedAtRps === null ? '' : `, not at ${format.rate(failedAtRps)}`;
  return <>{heldUpToRps === null ? `Not even ${format.rate(failedAtRps)}` : `${format.rate(heldUpToRps)}${failed}`}</>;
}
