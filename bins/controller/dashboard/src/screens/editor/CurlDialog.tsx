// Asks for a curl line, and shows what becomes of it before it is taken.
import { useState } from 'react';
import { Button, Dialog, Notice, TextArea } from '../../ui';
import { fromCurl, type FromCurl } from './curl';
import { write } from './document';
import styles from './Form.module.css';

export function CurlDialog({ open, onClose, onTake }: { open: boolean; onClose: () => void; onTake: (made: FromCurl) => void }) {
  const [line, setLine] = useState('');
  const { made, fault } = tried(line);
  const take = () => {
    if (!made) return;
    onTake(made);
    setLine('');
    onClose();
  };
  return (
    <Dialog wide title="Paste a curl line" open={open} onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" disabled={!made} onClick={take}>Take it</Button></>}>
      <p className={styles.note}>Browsers have one for each request: in the developer tools, under Network, “Copy as cURL”. It takes the place of URL, method, headers and body; the load stays as it is.</p>
      <TextArea label="The line" autoFocus rows={6} placeholder="curl https://shop.example/cart -H 'Accept: application/json'" fault={line.trim() === '' ? null : fault} value={line} onChange={({ target }) => setLine(target.value)} />
      {made && <pre className={styles.preview} aria-label="What becomes of it" tabIndex={0}>{write(made.document)}</pre>}
      {made && made.notes.length > 0 && <Notice>{made.notes.map((note) => <p key={note}>{note}.</p>)}</Notice>}
    </Dialog>
  );
}

function tried(line: string): { made: FromCurl | null; fault: string | null } {
  try {
    return { made: fromCurl(line), fault: null };
  } catch (error) {
    return { made: null, fault: error instanceof Error ? `${error.message}.` : String(error) };
  }
}
