// Offers a result in every form, and a link to it.
import type { Run } from '../../api/types';
import { Button, Card, Copy } from '../../ui';
import { downloadChoices } from './downloads';
import styles from './Run.module.css';

export function Downloads({ run }: { run: Run }) {
  return (
    <Card title="Take it with you" says="The same result in other forms, and a link to this page.">
      <ul className={styles.downloads}>
        {downloadChoices(run).map(({ label, says, onChoose }) => (
          <li key={label}><Button icon="download" onClick={onChoose}>{label}</Button><span className="soft">{says}</span></li>
        ))}
      </ul>
      <div className={styles.share}>
        <code className="cut" title={location.href}>{location.href}</code>
        <Copy text={location.href}>Copy link</Copy>
      </div>
    </Card>
  );
}
