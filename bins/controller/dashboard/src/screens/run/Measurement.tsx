// Says whether the figures can be trusted, and what speaks against it.
import { generatorOf, validityOf } from '../../api/result';
import type { Totals } from '../../api/types';
import { Card, Chip, format, VerdictChip } from '../../ui';
import { figure, sentence } from './judge';
import styles from './Run.module.css';

export function Measurement({ totals }: { totals: Totals }) {
  const validity = validityOf(totals);
  const generator = generatorOf(totals);
  const reasons = validity?.reasons ?? [];
  const lost = generator.lostWorkers ?? [];
  return (
    <Card title="Measurement" says="Whether the load generator did its part. It says nothing about the target." actions={<VerdictChip verdict={validity?.verdict} />}>
      {reasons.length === 0 && totals.complete && <p>The generator kept up, and nothing is missing: the figures are the target’s.</p>}
      {!totals.complete && <p className={styles.words}>Of {format.count(totals.arrivals.unknown)} requests nobody knows what became of them{lost.length > 0 ? `: ${lost.join(', ')} was lost before it could report` : ''}.</p>}
      {reasons.length > 0 && (
        <ul className={styles.reasons}>
          {reasons.map(({ kind, verdict, figure: value, limit, unit, explanation, remedy }, place) => (
            <li key={place}>
              <div className={styles.findingHead}>
                <Chip tone={verdict === 'INVALID' ? 'bad' : 'warning'} icon={verdict === 'INVALID' ? 'bad' : 'warning'}>{format.word(kind)}</Chip>
                <span className="soft">{figure(value, unit)}, limit {figure(limit, unit)}</span>
              </div>
              <p className={styles.words}>{sentence(explanation)}</p>
              <p className={`${styles.words} ${styles.nextStep}`}><b>Next:</b> {sentence(remedy)}</p>
            </li>
          ))}
        </ul>
      )}
      <dl className={styles.evidence} aria-label="Figures of the generator">
        <Fact name="Processor used" title="Of the engine threads, a share of what they could have" value={share(generator.cpuShare)} />
        <Fact name="Busiest second" title="The busiest thread in its busiest second" value={share(generator.peakCpuShare)} />
        <Fact name="Late" title="Share of the time in which something was due and was not begun" value={share(generator.lateShare)} />
        <Fact name="Pacer lag, p99" title="How much later than due the pacer woke" value={format.latency(generator.pacerLag?.p99Ms)} />
        <Fact name="Stood still" title="Share of the time in which the generator did nothing at all" value={share(generator.stalledShare)} />
        <Fact name="Waited for a processor" value={share(generator.runDelayShare)} />
        <Fact name="Throttled" title="Stopped by the container’s quota" value={share(generator.throttledShare)} />
        <Fact name="Shortages" title="How often this machine was short of a port, a descriptor or memory" value={format.count(generator.shortages)} />
        <Fact name="Clock uncertainty" value={format.latency(generator.clockErrorMs)} />
      </dl>
    </Card>
  );
}

const share = (of: number | null | undefined): string => (of === null || of === undefined ? format.NOTHING : format.percent(of * 100));

function Fact({ name, value, title }: { name: string; value: string; title?: string }) {
  return <div title={title}><dt>{name}</dt><dd>{value}</dd></div>;
}
