// Shows what is different between runs, how sure that is, and whether it is a regression.
import { useQueries, useQuery } from '@tanstack/react-query';
import { ApiError } from '../../api/client';
import { comparison } from '../../api/queries';
import type { Comparison } from '../../api/types';
import { Card, Empty, Failed, format, Loading, Page } from '../../ui';
import { ByName } from './ByName';
import { Changes, type Further } from './Changes';
import { Curves } from './Curves';
import { Sides } from './Sides';
import { useChosen, type Chosen } from './use-chosen';
import { Verdict } from './Verdict';

export default function Compare() {
  const chosen = useChosen();
  const { base, candidate, more } = chosen;
  const whole = base !== undefined && candidate !== undefined;
  const compared = useQuery({ ...comparison(base ?? '', candidate ?? ''), enabled: whole });
  const others = useQueries({ queries: more.map((id) => ({ ...comparison(base ?? '', id), enabled: whole && base !== 'baseline' })) });
  const further: Further[] = more.map((id, place) => ({ id, name: others[place]?.data?.candidate[0]?.name ?? id.slice(0, 13), comparison: others[place]?.data }));
  return (
    <Page title="Compare" says="Two runs, figure by figure: what became different, how sure that is, and whether it is a regression.">
      <Sides chosen={chosen} base={compared.data?.base[0]} candidate={compared.data?.candidate[0]} more={others.map(({ data }) => data?.candidate[0])} />
      {!whole ? <Start /> : compared.isPending ? <Loading rows={8} /> : compared.error ? <Card><Why error={compared.error} chosen={chosen} onRetry={() => compared.refetch()} /></Card> : <Whole comparison={compared.data} further={further} chosen={chosen} />}
    </Page>
  );
}

function Whole({ comparison: document, further, chosen }: { comparison: Comparison; further: Further[]; chosen: Chosen }) {
  const rows = document.changes.map((change) => ({ name: change.figure, change }));
  const label = (role: string, started: string | undefined) => `${role}, ${format.date(started)}`;
  const curves = [
    ...(chosen.base && chosen.base !== 'baseline' ? [{ id: chosen.base, label: label('Base', document.base[0]?.startedAt) }] : []),
    { id: chosen.candidate!, label: label('Candidate', document.candidate[0]?.startedAt) },
    ...further.map(({ id, name, comparison: other }) => ({ id, label: label(name, other?.candidate[0]?.startedAt) })),
  ];
  return (
    <>
      <Verdict comparison={document} />
      <Card title="All requests" says="The dot is the change, the bar the interval that it lies in. Where the bar leaves out 0, the figure is different." flush>
        <Changes label="Figure" rows={rows} tolerance={document.tolerancePercent} further={further} find={(other, name) => other.changes.find(({ figure }) => figure === name)} />
      </Card>
      <Curves of={curves} />
      <ByName comparison={document} further={further} />
    </>
  );
}

function Start() {
  return (
    <Card>
      <Empty icon="compare" title="Choose two runs">
        <p>The base is the run you trust, such as the one of last week. The candidate is the one you want to judge, such as the one after a change.</p>
        <p>A scenario’s baseline is a base that stays: set it in the scenario, and each run can be held against it.</p>
      </Empty>
    </Card>
  );
}

function Why({ error, chosen, onRetry }: { error: unknown; chosen: Chosen; onRetry: () => void }) {
  const problem = error instanceof ApiError ? error : null;
  if (problem?.status === 404) return <Empty icon="search" title="One of these runs is not there">It was deleted, or is somebody else’s. Choose another one above.</Empty>;
  if (problem?.kind === 'nothing-measured') return <Empty icon="clock" title="There are no figures to compare">{problem.message}. A run that goes on can be compared when it has ended.</Empty>;
  if (problem?.kind === 'conflict' && chosen.base === 'baseline') return <Empty icon="flag" title="There is no baseline">The candidate’s scenario has none. Name one of its runs in the scenario, or choose a run as the base above.</Empty>;
  return <Failed error={error} what="The comparison" onRetry={onRetry} />;
}
