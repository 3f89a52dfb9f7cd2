// Shows one search, live: its trials, the interval that they leave, and what does not allow more.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { stop } from '../../api/commands';
import { scenario, search } from '../../api/queries';
import { hasEnded, type Search as SearchView } from '../../api/types';
import { Card, Chip, ConfirmButton, Empty, Failed, format, LinkButton, Loading, Notice, Page, Stat, StateChip, Stats } from '../../ui';
import styles from './capacity.module.css';
import { TrialPlot } from './TrialPlot';
import { Trials } from './Trials';
import { intervalWords, limitWords, sentence } from './words';

const CRUMBS = [{ label: 'Capacity', link: { to: '/capacity' } as const }];

export default function Search() {
  const { id } = useParams({ from: '/capacity/$id' });
  const found = useQuery(search(id));
  const of = useQuery({ ...scenario(found.data?.scenarioId ?? ''), enabled: found.data !== undefined, retry: false });
  if (!found.data) {
    return <Page title="Search" crumbs={CRUMBS}><Card>{found.error ? <Failed error={found.error} what="This search" onRetry={() => found.refetch()} /> : <Loading rows={8} />}</Card></Page>;
  }
  const name = of.data?.scenario.name ?? 'Search';
  return (
    <Page title={name} crumbs={CRUMBS} beside={<><StateChip state={found.data.state} /><Chip title="The objective">{found.data.capacity.slo}</Chip></>} says="The highest rate at which the objective holds." actions={<Actions search={found.data} />}>
      <Inside search={found.data} />
    </Page>
  );
}

function Actions({ search: { id, state, scenarioId } }: { search: SearchView }) {
  const queries = useQueryClient();
  const end = async () => {
    await stop(id);
    await queries.invalidateQueries({ queryKey: ['search', id] });
  };
  return (
    <>
      <LinkButton to="/runs/$id" params={{ id }} icon="runs">Its run</LinkButton>
      <LinkButton to="/capacity" search={{ scenario: scenarioId }} icon="again">Search again</LinkButton>
      {!hasEnded(state) && <ConfirmButton label="Stop" icon="stop" title="Stop the search?" says="What was found until now is kept." sure="Stop it" onSure={end} />}
    </>
  );
}

function Inside({ search: { state, warnings, capacity } }: { search: SearchView }) {
  const { trials, capacityRps, interval, confidencePercent, limitedBy, maxRate, conclusion, seconds, interrupted } = capacity;
  const ended = hasEnded(state);
  return (
    <>
      {warnings.map((warning) => <Notice key={warning} tone="warning">{warning}</Notice>)}
      <Stats>
        <Stat name={ended ? 'Capacity' : 'Capacity, by now'} value={format.rate(capacityRps)} beside={capacityRps === null ? 'Nothing held yet' : `At most ${format.rate(maxRate)} is tried`} />
        <Stat name="Interval" value={narrowness(interval)} beside={`${intervalWords(interval)}, ${confidencePercent}% sure`} />
        <Stat name="Limited by" value={limitWords(limitedBy)} tone={limitedBy === 'generator' ? 'warning' : undefined} beside={limitedBy === 'generator' ? 'The target may take more' : undefined} />
        <Stat name="Trials" value={format.count(trials.length)} beside={`${format.duration(seconds)}${ended ? '' : ' so far'}`} />
      </Stats>
      <Card title={ended ? 'What came of it' : 'What is known by now'}>
        <p className={styles.conclusion}>{sentence(conclusion)}{interrupted ? ' It was ended before it had found an end.' : ''}</p>
      </Card>
      <Card title="Trials" says="Each offers a rate for a while. The next is made where the edge is as likely above as below; the lines are the highest rate that held and the lowest that did not.">
        {trials.length > 0 ? <TrialPlot capacity={capacity} /> : <Empty icon="clock" title={ended ? 'No trial was made' : 'The first trial is on its way'}>{ended ? 'The search ended before one was whole.' : 'A trial takes some seconds, after a short warm-up.'}</Empty>}
      </Card>
      {trials.length > 0 && <Card flush><Trials capacity={capacity} /></Card>}
    </>
  );
}

/** How far the interval's ends lie from its middle. */
function narrowness([low, high]: readonly (number | null)[]): string {
  if (typeof low !== 'number' || typeof high !== 'number' || low + high === 0) return format.NOTHING;
  return `± ${format.percent((100 * (high - low)) / (high + low), 2)}`;
}
