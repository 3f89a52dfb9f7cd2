// Shows what became different by the name of the request, one figure at a time, the worst first.
import { useState } from 'react';
import type { Comparison } from '../../api/types';
import { Card, Select } from '../../ui';
import { Changes, type Further } from './Changes';
import { figureName, type Change } from './words';

const ORDER = ['regression', 'worse', 'unknown', 'no_difference', 'better', 'improvement'];

export function ByName({ comparison, further }: { comparison: Comparison; further: readonly Further[] }) {
  const { requests, tolerancePercent } = comparison;
  const figures = [...new Set(requests.flatMap(({ changes }) => changes.map(({ figure }) => figure)))];
  const [wanted, setFigure] = useState('p99');
  const figure = figures.includes(wanted) ? wanted : figures[0];
  if (requests.length === 0 || figure === undefined) return null;
  const rows = requests
    .flatMap(({ name, changes }) => changes.filter((change) => change.figure === figure).map((change) => ({ name, change: change as Change })))
    .sort((a, b) => ORDER.indexOf(a.change.judgement) - ORDER.indexOf(b.change.judgement) || (b.change.changePercent ?? 0) - (a.change.changePercent ?? 0));
  const find = (other: Comparison, name: string) => other.requests.find((request) => request.name === name)?.changes.find((change) => change.figure === figure) as Change | undefined;
  return (
    <Card title="By request name" says="Names that both runs have." flush actions={<Select label="Figure" quiet value={figure} options={figures.map((each) => [each, figureName(each)] as const)} onChange={(event) => setFigure(event.target.value)} />}>
      <Changes label="Request" rows={rows} tolerance={tolerancePercent} further={further} find={find} />
    </Card>
  );
}
