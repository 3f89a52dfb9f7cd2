// Puts what a run's totals tell below its plots: what was found, kept and broken, by request, by time, by worker.
import { memo, useEffect } from 'react';
import { slaOf } from '../../api/result';
import type { Finding, Result, Totals } from '../../api/types';
import type { RunData } from '../../live/run-data';
import { Distribution, TimesTable } from './Distribution';
import { Findings } from './Findings';
import { Measurement } from './Measurement';
import { Observed } from './Observed';
import { Part } from './OnThisPage';
import { Outcome } from './Outcome';
import { Requests } from './Requests';
import { Rules } from './Rules';
import styles from './Run.module.css';
import { Throughput } from './Throughput';
import { Workers } from './Workers';

interface RestProps {
  totals: Totals;
  data: RunData;
  ended: boolean;
  result: Result | null;
  scenarioId: string;
  shown: Finding | null;
  onShow: (finding: Finding | null) => void;
  /** Its parts can be gone to from now on. */
  onThere: (isThere: true) => void;
}

/** What changes with the totals, every few seconds, and not with each second: a hundred names and workers cost too much for that. */
export default memo(function Rest({ totals, data, ended, result, scenarioId, shown, onShow, onThere }: RestProps) {
  useEffect(() => onThere(true), [onThere]);
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
