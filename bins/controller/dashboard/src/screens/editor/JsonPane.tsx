// Shows the scenario as JSON that can be edited, with the numbers of its lines and a mark where something is wrong.
import { useEffect, useImperativeHandle, useMemo, useRef, type Ref } from 'react';
import type { Fault } from '../../api/types';
import { lineOf, type Read } from './document';
import styles from './JsonPane.module.css';
import { placeOf, placesOf } from './places';

export interface JsonPaneHandle {
  /** Puts the cursor to what stands at a path. */
  goTo: (path: string) => void;
}

export function JsonPane({ text, read, faults, onChange, ref }: { text: string; read: Read; faults: readonly Fault[]; onChange: (text: string) => void; ref?: Ref<JsonPaneHandle> }) {
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLPreElement>(null);
  const places = useMemo(() => placesOf(text), [text]);
  const wrong = useMemo(() => linesWrong(text, places, read, faults), [text, places, read, faults]);
  const lines = useMemo(() => text.split('\n').length, [text]);
  const follow = () => {
    if (gutter.current && area.current) gutter.current.scrollTop = area.current.scrollTop;
  };
  useEffect(follow, [lines]);

  useImperativeHandle(ref, () => ({
    goTo: (path) => {
      const element = area.current;
      if (!element) return;
      const at = placeOf(places, path);
      const end = text.indexOf('\n', at);
      element.focus();
      element.setSelectionRange(at, end < 0 ? text.length : end);
      const height = element.scrollHeight / lines;
      element.scrollTop = Math.max(0, (lineOf(text, at) - 4) * height);
    },
  }), [places, text, lines]);

  return (
    <div className={styles.pane} data-wrong={read.fault !== null}>
      <div className={styles.both}>
        <pre ref={gutter} className={styles.gutter} aria-hidden="true">
          {Array.from({ length: lines }, (_, place) => <span key={place} className={wrong.has(place + 1) ? styles.wrong : undefined} title={wrong.get(place + 1)}>{place + 1}{'\n'}</span>)}
        </pre>
        <textarea ref={area} className={styles.text} aria-label="The scenario as JSON" aria-invalid={read.fault !== null || undefined} aria-describedby="json-says" spellCheck={false} autoCapitalize="off" autoComplete="off" wrap="off" value={text} onScroll={follow} onChange={({ target }) => onChange(target.value)} />
      </div>
      <p id="json-says" className={read.fault ? styles.fault : styles.says} role={read.fault ? 'alert' : undefined}>{read.fault ? `${read.fault.message}.` : 'Form and JSON are one document: change either. Fields that the form does not show are kept.'}</p>
    </div>
  );
}

function linesWrong(text: string, places: Map<string, number>, read: Read, faults: readonly Fault[]): Map<number, string> {
  const wrong = new Map<number, string>();
  if (read.fault) {
    if (read.fault.at !== null) wrong.set(lineOf(text, read.fault.at), read.fault.message);
    return wrong;
  }
  for (const { path, message } of faults) {
    const line = lineOf(text, placeOf(places, path));
    wrong.set(line, [wrong.get(line), `${path} ${message}`].filter(Boolean).join('\n'));
  }
  return wrong;
}
