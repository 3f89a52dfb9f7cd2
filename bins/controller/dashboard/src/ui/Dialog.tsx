// Asks for something on top of the screen: a form, or whether it is really meant.
import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { Button } from './Button';
import styles from './Dialog.module.css';
import { HeadingLevel } from './heading';

export function Dialog({ title, open, onClose, children, actions, wide = false }: { title: string; open: boolean; onClose: () => void; children: ReactNode; actions?: ReactNode; wide?: boolean }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    if (open && element && !element.open) {
      element.showModal();
      // The browser takes the first that can be focused, which is what closes it: who is asked for something goes to its field.
      element.querySelector<HTMLElement>('input, select, textarea')?.focus();
    }
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
          <div className={styles.body}><HeadingLevel value={3}>{children}</HeadingLevel></div>
          {actions && <footer className={styles.actions}>{actions}</footer>}
        </div>
      )}
    </dialog>
  );
}

interface Asked {
  title: string;
  says: ReactNode;
  /** What the button says that does it. */
  sure: string;
  onSure: () => Promise<unknown>;
}

/** Asks before it does what cannot be undone. What went wrong stays in the dialog. */
export function Confirm({ title, says, sure, onSure, open, onClose }: Asked & { open: boolean; onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => setFault(null), [open]);
  const go = async () => {
    setBusy(true);
    setFault(null);
    try {
      await onSure();
      onClose();
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} open={open} onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="danger" busy={busy} onClick={go}>{sure}</Button></>}>
      <div>{says}</div>
      {fault && <p className={styles.fault} role="alert">{fault}</p>}
    </Dialog>
  );
}

/** A button that asks first. */
export function ConfirmButton({ label, small, icon, disabled, quiet = false, kind = 'danger', ...asked }: Asked & { label: string; kind?: 'danger' | 'plain'; small?: boolean; icon?: 'trash' | 'stop'; disabled?: boolean; quiet?: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button kind={quiet ? 'quiet' : kind} small={small} icon={icon} disabled={disabled} aria-label={quiet ? label : undefined} onClick={() => setOpen(true)}>{quiet ? null : label}</Button>
      <Confirm {...asked} open={open} onClose={() => setOpen(false)} />
    </>
  );
}
