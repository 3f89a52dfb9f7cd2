// Asks for something on top of the screen: a form, or whether it is really meant.
import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { Button } from './Button';
import styles from './Dialog.module.css';

export function Dialog({ title, open, onClose, children, actions, wide = false }: { title: string; open: boolean; onClose: () => void; children: ReactNode; actions?: ReactNode; wide?: boolean }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    if (open && element && !element.open) element.showModal();
    if (!open && element?.open) element.close();
  }, [open]);
  return (
    <dialog ref={dialog} className={`${styles.dialog} ${wide ? styles.wide : ''}`} aria-labelledby={id} onClose={onClose} onCancel={onClose}
      onClick={(event) => event.target === event.currentTarget && onClose()}>
      {open && (
        <div className={styles.inside}>
          <header className={styles.head}>
            <h2 id={id}>{title}</h2>
            <Button kind="quiet" small icon="bad" aria-label="Close" onClick={onClose} />
          </header>
          <div className={styles.body}>{children}</div>
          {actions && <footer className={styles.actions}>{actions}</footer>}
        </div>
      )}
    </dialog>
  );
}

/** A button that asks before it does what cannot be undone. What went wrong stays in the dialog. */
export function ConfirmButton({ label, title, says, sure, onSure, small, icon, disabled, quiet = false }: { label: string; title: string; says: ReactNode; sure: string; onSure: () => Promise<unknown>; small?: boolean; icon?: 'trash' | 'stop'; disabled?: boolean; quiet?: boolean }) {
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const go = async () => {
    setBusy(true);
    setFault(null);
    try {
      await onSure();
      setOpen(false);
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button kind={quiet ? 'quiet' : 'danger'} small={small} icon={icon} disabled={disabled} aria-label={quiet ? label : undefined} onClick={() => { setFault(null); setOpen(true); }}>{quiet ? null : label}</Button>
      <Dialog title={title} open={open} onClose={() => setOpen(false)} actions={<><Button onClick={() => setOpen(false)}>Cancel</Button><Button kind="danger" busy={busy} onClick={go}>{sure}</Button></>}>
        <div>{says}</div>
        {fault && <p className={styles.fault} role="alert">{fault}</p>}
      </Dialog>
    </>
  );
}
