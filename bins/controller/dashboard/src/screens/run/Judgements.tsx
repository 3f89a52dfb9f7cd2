// Answers in words what people come for: is it well, can it be trusted, what next.
import { Link } from '@tanstack/react-router';
import { slaOf } from '../../api/result';
import { Chip, Icon, type IconName, type Tone, Words } from '../../ui';
import { measurement, nextStep, promises, target, type Judgement, type Next } from './judge';
import styles from './Run.module.css';
import type { RunPage } from './use-run';

const SIGNS: Record<Tone, IconName> = { good: 'good', warning: 'warning', bad: 'bad', info: 'info', neutral: 'info' };

export function Judgements({ page: { totals, ended, run } }: { page: RunPage }) {
  if (!totals) return null;
  const live = !ended;
  const next = nextStep(totals, live);
  return (
    <section className={styles.judgements} aria-label="Is it well?">
      <Judged name="SLA rules" part="rules" judgement={promises(slaOf(totals), live)} />
      <Judged name="Target" part="findings" judgement={target(totals, live)} />
      <Judged name="Measurement" part="measurement" judgement={measurement(totals)} />
      <ToNext next={next} scenarioId={run.scenarioId} />
    </section>
  );
}

function ToNext({ next: { part, says }, scenarioId }: { next: Next; scenarioId: string }) {
  const look = `${styles.judgement} ${styles.next}`;
  const inside = (
    <>
      <span className={styles.judgementHead}><span>What next</span><Icon name="right" size={14} /></span>
      <span className={styles.judgementSays} title={says}><Words>{says}</Words></span>
    </>
  );
  if (part === 'editor') return <Link className={look} to="/scenarios/$id/edit" params={{ id: scenarioId }}>{inside}</Link>;
  if (part === 'capacity') return <Link className={look} to="/capacity" search={{ scenario: scenarioId }}>{inside}</Link>;
  return <a className={look} href={`#${part}`} onClick={(event) => goTo(event, part)}>{inside}</a>;
}

function Judged({ name, part, judgement: { tone, word, says } }: { name: string; part: string; judgement: Judgement }) {
  return (
    <a className={styles.judgement} href={`#${part}`} onClick={(event) => goTo(event, part)}>
      <span className={styles.judgementHead}><span>{name}</span><Chip tone={tone} icon={SIGNS[tone]}>{word}</Chip></span>
      <span className={styles.judgementSays} title={says}><Words>{says}</Words></span>
    </a>
  );
}

/** To a part of the page, without another entry in the history of the browser. */
export function goTo(event: { preventDefault: () => void }, part: string): void {
  const element = document.getElementById(part);
  if (!element) return;
  event.preventDefault();
  element.scrollIntoView({ block: 'start' });
  element.focus({ preventScroll: true });
}
