// Gives the fields of the form the document: what stands at a path, what is wrong with it, and how it is changed.
import { createContext, useContext, useState, type ReactNode } from 'react';
import type { Fault, Secret } from '../../api/types';
import { Checkbox, Input, Select, TextArea } from '../../ui';
import { get, set, text, typed, type Doc, type Json } from './document';
import { REDACTED } from './secrets';

export interface Editing {
  document: Doc;
  update: (change: (document: Doc) => Doc) => void;
  /** What is wrong, as far as it is told by now. */
  faults: readonly Fault[];
  /** What is wrong with the value at this path itself. */
  faultsAt: (path: string) => string[];
  /** The text cannot be read, so that nothing can be changed here. */
  isLocked: boolean;
  /** It is kept already, and so are the values that read [redacted]. */
  isStored: boolean;
  secrets: readonly Secret[];
}

const Context = createContext<Editing | null>(null);
export const EditingProvider = Context.Provider;

export function useEditing(): Editing {
  const editing = useContext(Context);
  if (!editing) throw new Error('a field stands outside the editor');
  return editing;
}

/** The value at a path, and how it gets another one. */
export function useAt(path: string): { value: Json | undefined; fault: string[]; disabled: boolean; put: (value: Json | undefined) => void } {
  const { document, update, faultsAt, isLocked } = useEditing();
  return { value: get(document, path), fault: faultsAt(path), disabled: isLocked, put: (value) => update((now) => set(now, path, value)) };
}

interface Of {
  path: string;
  label: ReactNode;
  hint?: ReactNode;
  quiet?: boolean;
  placeholder?: string;
}

export const keptHint = (isStored: boolean): string => (isStored ? `${REDACTED} keeps the value that is stored; type over it to change it.` : `${REDACTED} stands for a secret that is not told: give it again.`);

export function TextAt({ path, unit, hint, onPut, ...rest }: Of & { unit?: string; list?: string; type?: string; onPut?: (value: string) => void; autoFocus?: boolean; required?: boolean }) {
  const { value, fault, disabled, put } = useAt(path);
  const { isStored } = useEditing();
  const shown = text(value);
  const said = shown.includes(REDACTED) ? keptHint(isStored) : hint;
  return <Input {...rest} unit={unit} hint={said} data-path={path} fault={fault} disabled={disabled} value={shown} onChange={({ target }) => (onPut ?? ((it: string) => put(it === '' ? undefined : it)))(target.value)} />;
}

export function NumberAt({ path, unit, onPut, ...rest }: Of & { unit?: string; onPut?: (value: Json | undefined) => void }) {
  const { value, fault, disabled, put } = useAt(path);
  const [written, setWritten] = useState<string | null>(null);
  // While somebody types "1." it is 1, and must not become that under their hands.
  const shown = written !== null && typed(written) === value ? written : text(value);
  return (
    <Input {...rest} unit={unit} inputMode="decimal" data-path={path} fault={fault} disabled={disabled} value={shown} onBlur={() => setWritten(null)}
      onChange={({ target }) => {
        setWritten(target.value);
        (onPut ?? put)(typed(target.value));
      }} />
  );
}

export function AreaAt({ path, rows, ...rest }: Of & { rows?: number }) {
  const { value, fault, disabled, put } = useAt(path);
  return <TextArea {...rest} rows={rows} data-path={path} fault={fault} disabled={disabled} value={text(value)} onChange={({ target }) => put(target.value === '' ? undefined : target.value)} />;
}

/** One of a few; `otherwise` is what it is where nothing is said. */
export function ChoiceAt({ path, options, otherwise, ...rest }: Of & { options: readonly (readonly [value: string, label: string])[]; otherwise: string }) {
  const { value, fault, disabled, put } = useAt(path);
  const shown = text(value) || otherwise;
  const all = options.some(([known]) => known === shown) ? options : [...options, [shown, shown] as const];
  return <Select {...rest} data-path={path} options={all} fault={fault} disabled={disabled} value={shown} onChange={({ target }) => put(target.value === otherwise ? undefined : target.value)} />;
}

export function SwitchAt({ path, label, hint, otherwise }: Of & { otherwise: boolean }) {
  const { value, disabled, put } = useAt(path);
  return <Checkbox label={label} hint={hint} data-path={path} disabled={disabled} checked={typeof value === 'boolean' ? value : otherwise} onChange={({ target }) => put(target.checked === otherwise ? undefined : target.checked)} />;
}
