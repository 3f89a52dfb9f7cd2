// Puts the parts of a run's page in their order: how far, how well, what next, then the plots, and what they rest on.
import { memo, useMemo, useState } from 'react';
import { slaOf } from '../../api/result';
import type { Finding, Result, Totals } from '../../api/types';
import { marksOf, type Mark } from '../../live/marks';
import type { RunData } from '../../live/run-data';
import { PlotGroup } from '../../plots';
import { format, Loading, Segmented } from '../../ui';
import { Warnings } from './Before';
import { Distribution, TimesTable } from './Distribution';
import { Downloads } from './Downloads';
import { Findings, keyOf } from './Findings';
import { Headlines } from './Headlines';
import { Judgements } from './Judgements';
import { Measurement } from './Measurement';
import { Observed } from './Observed';
import { OnThisPage, Part, type PartOfPage } from './OnThisPage';
import { Outcome } from './Outcome';
import { Plots, useSpan, type Span } from './Plots';
import { Progress } from './Progress';
import { Requests } from './Requests';
import { Rules } from './Rules';
import styles from './Run.module.css';
import { Throughput } from './Throughput';
import { Timeline } from './Timeline';
import type { RunPage } from './use-run';
import { Workers } from './Workers';

const SPANS: readonly (readonly [Span, string])[] = [['all', 'All of it'], ['5min', 'Last 5 min'], ['1min', 'Last minute']];

export function Body({ page }: { page: RunPage }) {
  const { run, ended, totals, data, events } = page;
  const [shown, setShown] = useState<Finding | null>(null);
  const { span, setSpan, domain } = useSpan(data);
  const marks = useMarks(page, shown);
  return (
    <>
      <Warnings run={run} />
      {!ended && <Progress page={page} />}
      <Headlines page={page} />
      {totals ? <Judgements page={page} /> : !ended && <Loading height={72} label="The run is judged once its first seconds are over" />}
      <OnThisPage parts={partsOf(page)} beside={!ended && <Segmented label="Time shown" value={span} options={SPANS} onChange={setSpan} />} />
      <PlotGroup marks={marks} domain={domain}>
        <Part id="plots"><Plots page={page} /></Part>
        {totals && <Rest totals={totals} data={data} ended={ended} result={page.result} scenarioId={run.scenarioId} shown={shown} onShow={setShown} />}
      </PlotGroup>
      <Part id="timeline"><Timeline events={events} /></Part>
      {page.result && <Part id="downloads"><Downloads run={run} /></Part>}
    </>
  );
}

interface RestProps {
  totals: Totals;
  data: RunData;
  ended: boolean;
  result: Result | null;
  scenarioId: string;
  shown: Finding | null;
  onShow: (finding: Finding | null) => void;
}

/** What changes with the totals, every few seconds, and not with each second: a hundred names and workers cost too much for that. */
const Rest = memo(function Rest({ totals, data, ended, result, scenarioId, shown, onShow }: RestProps) {
  return (
    <>
      <Part id="findings"><Findings findings={totals.bottlenecks} live={!ended} shown={shown} onShow={onShow} /></Part>
      <Part id="rules"><Rules sla={slaOf(totals)} headroom={totals.headroom} scenarioId={scenarioId} /></Part>
      {totals.requests.length > 0 && <Part id="requests"><Requests totals={totals} data={data} /></Part>}
      <Part id="distribution">
        <div className={styles.parts}>
          <div className={styles.two}>
            <Distribution totals={totals} result={result} data={data} />
            <Throughput totals={totals} data={data} />
          </div>
          <TimesTable totals={totals} />
        </div>
      </Part>
      {totals.observed.length > 0 && <Part id="observed"><Observed observed={totals.observed} findings={totals.bottlenecks} /></Part>}
      <Part id="outcome"><Outcome totals={totals} live={!ended} /></Part>
      <Part id="workers"><Workers totals={totals} data={data} live={!ended} /></Part>
      <Part id="measurement"><Measurement totals={totals} /></Part>
    </>
  );
});

function partsOf({ totals, events, result }: RunPage): PartOfPage[] {
  const parts: (PartOfPage & { isThere?: boolean })[] = [
    { id: 'plots', name: 'Plots' },
    { id: 'findings', name: 'Findings', count: totals?.bottlenecks.length, isThere: totals !== null },
    { id: 'rules', name: 'SLA rules', count: totals ? slaOf(totals).length : 0, isThere: totals !== null },
    { id: 'requests', name: 'Requests', count: totals?.requests.length, isThere: (totals?.requests.length ?? 0) > 0 },
    { id: 'distribution', name: 'Distribution', isThere: totals !== null },
    { id: 'observed', name: 'Target metrics', isThere: (totals?.observed.length ?? 0) > 0 },
    { id: 'outcome', name: 'Errors and statuses', isThere: totals !== null },
    { id: 'workers', name: 'Workers', count: totals?.workers.length, isThere: totals !== null },
    { id: 'measurement', name: 'Measurement', isThere: totals !== null },
    { id: 'timeline', name: 'Timeline', count: events.length },
    { id: 'downloads', name: 'Downloads', isThere: result !== null },
  ];
  return parts.filter(({ isThere }) => isThere !== false);
}

/** What all plots show at once: changes of rate, lost workers, violations, and the time of a finding that somebody looks at. */
function useMarks({ data, events, ended }: RunPage, finding: Finding | null): Mark[] {
  const end = ended && data.length > 0 ? data.rows.lastSecond + data.rowSeconds : Infinity;
  return useMemo(() => {
    // A rule over the whole run is judged at its end: that is no time in which it was violated.
    const lasting = events.filter(({ kind, data: told }) => kind !== 'sla_violated' || (told as { windowSeconds?: unknown } | null)?.windowSeconds !== null);
    const marks = marksOf(lasting.map((event) => ({ ...event, atSeconds: event.atSeconds ?? null, data: (event.data as Record<string, unknown> | null | undefined) ?? null })), end);
    if (finding) marks.push({ from: finding.fromSecond, to: finding.toSecond, look: 'finding', label: format.word(finding.kind), text: finding.explanation });
    return marks;
  }, [events, end, finding && keyOf(finding)]);
}
