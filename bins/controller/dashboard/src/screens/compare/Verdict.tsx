// Says in words what a comparison comes to, how sure that is, and what speaks against it.
import type { Comparison } from '../../api/types';
import { Card, Icon, Notice } from '../../ui';
import styles from './compare.module.css';
import { headline, wordsOf } from './words';

export function Verdict({ comparison }: { comparison: Comparison }) {
  const { tone, icon } = wordsOf(comparison.judgement);
  const { verdict, warnings, confidencePercent, tolerancePercent } = comparison;
  return (
    <>
      {verdict !== 'VALID' && <Notice tone={verdict === 'INVALID' ? 'bad' : 'warning'}>{verdict === 'INVALID' ? 'The load generator of a run was in trouble: nothing should be concluded from this comparison.' : 'The load generator of a run was in some trouble: read this comparison with care.'}</Notice>}
      <Card>
        <div className={styles.verdict}>
          <span className={`${styles.sign} ${styles[`${tone}Back`]}`}><Icon name={icon} size={20} /></span>
          <h2 className={styles.headline}>{headline(comparison)}</h2>
          <p className={styles.conclusion}>{comparison.conclusion}. All intervals below hold together with {confidencePercent}%; a change for the worse counts as a regression beyond {tolerancePercent}%.</p>
        </div>
      </Card>
      {warnings.length > 0 && (
        <Card title="What speaks against comparing them" says="The two differ in more than what is judged, so that a difference may come from there.">
          <ul className={styles.warnings}>{warnings.map((warning) => <li key={warning}>{sentence(warning)}</li>)}</ul>
        </Card>
      )}
    </>
  );
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
