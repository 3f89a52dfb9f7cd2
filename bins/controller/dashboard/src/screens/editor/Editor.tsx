// Edits a scenario: form and JSON are one document, the controller says what would run, and what is wrong is shown where it is.
import { useQuery } from '@tanstack/react-query';
import { useBlocker } from '@tanstack/react-router';
import { useMemo, useRef, useState, type ReactNode } from 'react';
import { ApiError } from '../../api/client';
import * as queries from '../../api/queries';
import type { Fault } from '../../api/types';
import { Button, Chip, Dialog, Icon, Notice, Page, Segmented, tell, tellError, type Crumb } from '../../ui';
import { CurlDialog } from './CurlDialog';
import type { FromCurl } from './curl';
import { text, type Doc } from './document';
import { EditingProvider, type Editing } from './editing';
import styles from './Editor.module.css';
import { fieldFor, goTo, shownFaults } from './faults';
import { withCurl } from './fresh';
import formStyles from './Form.module.css';
import { JsonPane, type JsonPaneHandle } from './JsonPane';
import { LoadCard } from './LoadCard';
import { MixCard } from './MixCard';
import { ConnectionCard, LimitsCard, NotesCard, WatchCard } from './MoreCards';
import { sentence } from './plan';
import { RequestCard } from './RequestCard';
import { RulesCard } from './RulesCard';
import { hasRedacted } from './secrets';
import type { Draft } from './use-draft';
import { useValidation, type Verdict } from './use-validation';

/** A button of the bar. What it does throws an ApiError where the controller refuses. */
export interface Action {
  label: string;
  kind?: 'primary';
  icon?: 'play' | 'good';
  run: (document: Doc) => Promise<void>;
  /** Nothing to be done with what is not changed. */
  needsChange?: boolean;
}

interface Props {
  draft: Draft;
  title: string;
  crumbs: Crumb[];
  says: ReactNode;
  beside?: ReactNode;
  actions: Action[];
  links?: ReactNode;
  isStored: boolean;
  notes?: readonly string[];
}

export function Editor({ draft, title, crumbs, says, beside, actions, links, isStored, notes: told = [] }: Props) {
  const [view, setView] = useState<'form' | 'json'>('form');
  const [asksCurl, setAsksCurl] = useState(false);
  const [notes, setNotes] = useState(told);
  const [hasTried, setTried] = useState(false);
  const [refused, setRefused] = useState<{ text: string; faults: Fault[] } | null>(null);
  const { document, fault } = draft.read;
  // While the text cannot be read the form shows what could be read last.
  const shown = useLast(document) ?? EMPTY;
  const verdict = useValidation(document, isStored);
  const secrets = useQuery({ ...queries.secrets, retry: false, throwOnError: false });
  const all = useMemo(() => (document ? merged(verdict.faults, refused?.text === draft.text ? refused.faults : []) : []), [document, verdict.faults, refused, draft.text]);
  const faults = useMemo(() => shownFaults(all, shown, hasTried), [all, shown, hasTried]);
  const editing: Editing = useMemo(() => ({
    document: shown, update: draft.update, faults, faultsAt: (path) => faults.filter((it) => it.path === path).map(({ message }) => message),
    isLocked: document === null, isStored, secrets: secrets.data?.items ?? [],
  }), [shown, draft.update, faults, document, isStored, secrets.data]);

  const form = useRef<HTMLDivElement>(null);
  const json = useRef<JsonPaneHandle>(null);
  const jump = (path: string) => {
    const field = form.current && fieldFor(form.current, path);
    setView(field ? 'form' : 'json');
    // After what was hidden is there.
    requestAnimationFrame(() => (field ? goTo(field) : json.current?.goTo(path)));
  };

  const [busy, setBusy] = useState<string | null>(null);
  const leaving = useRef(false);
  const act = async ({ label, run }: Action) => {
    setTried(true);
    if (document === null) return setView('json');
    const first = shownFaults(all, document, true)[0];
    if (first && !verdict.isAsking) return jump(first.path);
    setBusy(label);
    leaving.current = true;
    try {
      await run(document);
    } catch (error) {
      if (error instanceof ApiError && error.faults.length > 0) {
        setRefused({ text: draft.text, faults: error.faults });
        jump(error.faults[0]!.path);
      }
      tellError(error);
    } finally {
      leaving.current = false;
      setBusy(null);
    }
  };

  const takeCurl = (made: FromCurl) => {
    draft.update((now) => withCurl(now, made.document));
    setNotes(made.notes);
    tell('The curl line is taken');
  };

  const notices = (
    <>
      {draft.isRestored && <Notice actions={<Button small onClick={draft.discard}>Discard</Button>}>Your changes from before the page was loaded are back.</Notice>}
      {notes.length > 0 && <Notice tone="warning" actions={<Button kind="quiet" small icon="bad" aria-label="Close" onClick={() => setNotes([])} />}>Of the curl line: {notes.map((note) => <p key={note}>{note}.</p>)}</Notice>}
      {hasRedacted(shown) && <Notice>{isStored ? 'Values that read [redacted] are secrets, which are kept as they are. Type over one to change it.' : 'Values that read [redacted] are secrets of the scenario that this is a copy of. They are not told: give each again, or name a secret.'}</Notice>}
    </>
  );
  return (
    <Page title={title} name={title} crumbs={crumbs} says={says} beside={beside} actions={links}>
      <Leaving isChanged={draft.isChanged} leaving={leaving} onLeave={draft.discard} />
      <div className={styles.switch}><Segmented label="View" value={view} options={[['form', 'Form'], ['json', 'JSON']]} onChange={setView} /></div>
      <div className={styles.both} data-view={view}>
        <div ref={form} className={styles.form}>
          <div className={styles.locked}>{fault && <Notice tone="warning" actions={<Button small onClick={() => setView('json')}>To the JSON</Button>}>The JSON cannot be read just now. The form shows what it was before, and cannot be changed.</Notice>}</div>
          <div className={styles.stack}>
            {notices}
            <EditingProvider value={editing}>
              <fieldset className={formStyles.form} disabled={document === null} aria-label="The scenario as a form">
                <RequestCard isNew={!isStored && text(shown.targetUrl) === ''} onAskCurl={() => setAsksCurl(true)} onCurl={takeCurl} />
                <LoadCard verdict={verdict} />
                <RulesCard />
                <MixCard />
                <LimitsCard />
                <ConnectionCard />
                <WatchCard />
                <NotesCard />
              </fieldset>
            </EditingProvider>
          </div>
        </div>
        <div className={styles.json}><JsonPane ref={json} text={draft.text} read={draft.read} faults={faults} onChange={draft.setText} /></div>
      </div>
      <div className={styles.bar}>
        <Says verdict={verdict} document={document} faults={faults} hidden={all.length - faults.length} onJump={jump} />
        <div className={styles.buttons}>
          {actions.map((action) => <Button key={action.label} kind={action.kind} icon={action.icon} busy={busy === action.label} disabled={busy !== null || (action.needsChange && !draft.isChanged)} onClick={() => void act(action)}>{action.label}</Button>)}
        </div>
      </div>
      <CurlDialog open={asksCurl} onClose={() => setAsksCurl(false)} onTake={takeCurl} />
    </Page>
  );
}

const EMPTY: Doc = {};

function useLast<T>(value: T | null): T | null {
  const last = useRef(value);
  if (value !== null) last.current = value;
  return last.current;
}

/** Each once: what was refused is mostly what was told before. */
const merged = (told: readonly Fault[], refused: readonly Fault[]): Fault[] => [...told, ...refused.filter((fault) => !told.some(({ path, message }) => path === fault.path && message === fault.message))];

/** What would run, in a sentence; or what is wrong, each with the way there. */
function Says({ verdict, document, faults, hidden, onJump }: { verdict: Verdict; document: Doc | null; faults: readonly Fault[]; hidden: number; onJump: (path: string) => void }) {
  const [open, setOpen] = useState(false);
  if (document === null) return <p className={styles.says}><span className="soft">The JSON cannot be read.</span></p>;
  if (verdict.error) return <p className={`${styles.says} ${styles.bad}`} role="alert"><Icon name="warning" /> <span>{verdict.error instanceof ApiError ? `${verdict.error.title}. ${verdict.error.message}` : 'It cannot be checked.'}</span> <Button small onClick={verdict.again}>Try again</Button></p>;
  if (faults.length > 0) {
    return (
      <div className={styles.says}>
        <button type="button" className={styles.count} aria-expanded={open} onClick={() => setOpen(!open)}><Chip tone="bad" icon="warning">{faults.length === 1 ? '1 fault' : `${faults.length} faults`}</Chip> <Icon name={open ? 'down' : 'up'} size={12} /></button>
        {!open && <button type="button" className={`${styles.jump} cut`} title={faults[0]!.message} onClick={() => onJump(faults[0]!.path)}><Told fault={faults[0]!} /></button>}
        {open && (
          <ul className={styles.faults} aria-label="Faults">
            {faults.map((fault, place) => <li key={place}><button type="button" className={styles.jump} onClick={() => { setOpen(false); onJump(fault.path); }}><Told fault={fault} /></button></li>)}
          </ul>
        )}
      </div>
    );
  }
  if (hidden > 0) return <p className={styles.says}><span className="soft">Give the URL, and you see here what would run.</span></p>;
  if (!verdict.plan) return <p className={styles.says}><span className="soft">Asks what would run …</span></p>;
  return (
    <p className={`${styles.says} ${verdict.isCurrent ? '' : styles.old}`} role="status">
      <Icon name="good" />
      <span>{sentence(verdict.plan)}.{verdict.plan.notes.map((note) => <span key={note} className={styles.note}> {note}</span>)}</span>
    </p>
  );
}

const Told = ({ fault: { path, message } }: { fault: Fault }) => <><code>{path || 'Scenario'}</code> {message}</>;

/** Asks before changes are lost. */
function Leaving({ isChanged, leaving, onLeave }: { isChanged: boolean; onLeave: () => void; leaving: { readonly current: boolean } }) {
  const blocker = useBlocker({ shouldBlockFn: ({ current, next }) => isChanged && !leaving.current && current.pathname !== next.pathname, enableBeforeUnload: () => isChanged && !leaving.current, withResolver: true });
  return (
    <Dialog title="Leave without saving?" open={blocker.status === 'blocked'} onClose={() => blocker.reset?.()} actions={<><Button onClick={() => blocker.reset?.()}>Stay</Button><Button kind="danger" onClick={() => { onLeave(); blocker.proceed?.(); }}>Leave</Button></>}>
      Your changes of this scenario are not saved, and would be lost.
    </Dialog>
  );
}
