// Tells what limits the target: what happened, how sure that is, what it rests on, and what to do.
import type { Finding } from '../../api/types';
import { Button, Card, Chip, format, type IconName, Nothing, Words } from '../../ui';
import { keyOf } from './finding-key';
import { evidenceOf, sentence, severityTone, sureness } from './judge';
import styles from './Run.module.css';

const SIGNS: Record<string, IconName> = { info: 'info', warning: 'warning', critical: 'bad' };

interface Props {
  findings: readonly Finding[];
  live: boolean;
  /** The one whose time is shown on the plots. */
  shown: Finding | null;
  onShow: (finding: Finding | null) => void;
}

export function Findings({ findings, live, shown, onShow }: Props) {
  return (
    <Card title="Findings" says="What limits the target, the most important first.">
      {findings.length === 0 ? (
        <Nothing title={live ? 'Nothing found so far.' : 'Nothing found.'}>
          {live ? 'Every few seconds the run is searched for what limits the target, such as saturation, queueing or a rate limit.' : 'Nothing limits the target at this load. A higher rate may show what does: search for the capacity.'}
        </Nothing>
      ) : (
        <ul className={styles.findings}>
          {findings.map((finding) => <One key={keyOf(finding)} finding={finding} isShown={shown !== null && keyOf(shown) === keyOf(finding)} onShow={onShow} />)}
        </ul>
      )}
    </Card>
  );
}

function One({ finding, isShown, onShow }: { finding: Finding; isShown: boolean; onShow: Props['onShow'] }) {
  const { kind, severity, confidence, fromSecond, toSecond, request, explanation, nextStep } = finding;
  return (
    <li className={styles.finding}>
      <div className={styles.findingHead}>
        <Chip tone={severityTone(severity)} icon={SIGNS[severity] ?? 'info'}>{format.word(severity)}</Chip>
        <h3>{format.word(kind)}</h3>
        <span className="soft">{sureness(confidence)}</span>
        <span className="soft">{format.moment(fromSecond)} to {format.moment(toSecond)}</span>
        {request !== null && <span className={`${styles.ofRequest} cut`} title={request}>of {request}</span>}
        <Button kind="quiet" small aria-pressed={isShown} onClick={() => onShow(isShown ? null : finding)}>{isShown ? 'Hide on the plots' : 'Show on the plots'}</Button>
      </div>
      <p className={styles.words}><Words>{sentence(explanation)}</Words></p>
      <p className={`${styles.words} ${styles.nextStep}`}><b>Next:</b> <Words>{sentence(nextStep)}</Words></p>
      <Evidence finding={finding} />
    </li>
  );
}

function Evidence({ finding: { evidence, witnesses } }: { finding: Finding }) {
  const figures = evidenceOf(evidence);
  return (
    <>
      {figures.length > 0 && (
        <dl className={styles.evidence} aria-label="Evidence">
          {figures.map(([name, value]) => <div key={name}><dt>{name}</dt><dd title={value}>{value}</dd></div>)}
        </dl>
      )}
      {witnesses.length > 0 && (
        <div className={styles.witnesses}>
          <h4>Witnesses: metrics of the target that moved with it</h4>
          <ul>
            {witnesses.map(({ name, series, leadSeconds, correlation }) => (
              <li key={`${name} ${series}`}>
                <span className="mono" title={series}>{series}</span> <span className="soft">of {name}, {leadInWords(leadSeconds)}, {format.percent(Math.abs(correlation) * 100, 2)} alike{correlation < 0 ? ', the other way round' : ''}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

const leadInWords = (seconds: number): string => (seconds > 0 ? `${format.duration(seconds)} before it` : seconds < 0 ? `${format.duration(-seconds)} after it` : 'at the same time');
