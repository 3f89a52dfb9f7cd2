// Turns what a list knows of a run into the cells that every table of runs has.
import type { Run } from '../../api/types';
import { Cell, format, Head, SlaChip, Sparkline, StateChip, Two, VerdictChip, type Sort } from '../../ui';

/** Heads and cells follow each other in the same order, and give way to narrow screens alike. */
export function RunFigureHeads({ sort, onSort }: { sort?: Sort; onSort?: (sort: Sort) => void }) {
  const common = { sort, onSort };
  return (
    <>
      <Head name="state" width={124} {...common}>State</Head>
      <Head name="verdict" width={118} room="some" title="Whether the measurement can be trusted" {...common}>Verdict</Head>
      <Head name="rate" width={92} right room="some" title="Requests with an outcome per second, and what was planned" {...common}>Rate</Head>
      <Head name="p99" width={80} right title="99 of 100 requests were answered faster" {...common}>p99</Head>
      <Head name="errors" width={80} right title="Share of requests that failed" {...common}>Errors</Head>
      <Head name="sla" width={118} room="much" title="Whether its SLA rules hold" {...common}>SLA</Head>
      <Head width={92} room="most" title="Its rate over time">Course</Head>
      <Head name="finding" width={150} room="much" title="What limits the target: the most important finding" {...common}>Findings</Head>
    </>
  );
}

export function RunFigureCells({ run: { state, summary } }: { run: Run }) {
  const failed = typeof summary?.successRate === 'number' && summary.successRate < 100;
  return (
    <>
      <Cell><StateChip state={state} /></Cell>
      <Cell room="some"><VerdictChip verdict={summary?.verdict} /></Cell>
      <Cell right room="some" label="Rate"><Two below={planned(summary)}>{format.rate(summary?.achievedRps)}</Two></Cell>
      <Cell right label="p99">{format.latency(summary?.p99Ms)}</Cell>
      <Cell right label="Errors">{failed ? format.errorRate(summary.successRate) : <span className="soft">{format.errorRate(summary?.successRate)}</span>}</Cell>
      <Cell room="much" label="SLA">{summary ? <SlaChip passed={summary.slaPassed} violated={summary.slaViolated} /> : <span className="soft">–</span>}</Cell>
      <Cell room="most">{summary && <Sparkline values={summary.sparkline.rps} label="Rate over time" />}</Cell>
      <Cell room="much"><Finding summary={summary} /></Cell>
    </>
  );
}

function planned(summary: Run['summary']): string {
  if (!summary) return '';
  return summary.offeredRps === null ? 'closed loop' : `of ${format.rate(summary.offeredRps)}`;
}

function Finding({ summary }: { summary: Run['summary'] }) {
  if (!summary || summary.findings === null) return <span className="soft">–</span>;
  if (!summary.finding) return <span className="soft" title="Nothing was found that limits the target">None</span>;
  const more = summary.findings - 1;
  return <div className="cut" title={more > 0 ? `The most important one of ${summary.findings}` : undefined}>{format.word(summary.finding)}{more > 0 && <span className="soft"> +{more}</span>}</div>;
}
