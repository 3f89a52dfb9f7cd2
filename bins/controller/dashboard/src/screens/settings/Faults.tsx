// Tells what is wrong with a form and belongs to none of its fields.
import { faultsElsewhere } from '../../api/faults';
import styles from './settings.module.css';

export function Faults({ error, fields = [] }: { error: unknown; fields?: readonly string[] }) {
  const told = faultsElsewhere(error, fields);
  return told.length > 0 ? <div className={styles.faults} role="alert">{told.map((fault) => <p key={fault}>{fault}</p>)}</div> : null;
}
