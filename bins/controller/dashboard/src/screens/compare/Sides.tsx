// Shows which runs are compared, and lets them be chosen anew, swapped and added to.
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Comparison } from '../../api/types';
import { Button, Card, Chip, format, VerdictChip } from '../../ui';
import styles from './compare.module.css';
import { RunPicker } from './RunPicker';
import { MOST_MORE, type Chosen } from './use-chosen';

/** What a comparison says of one of its runs. */
export type Told = Comparison['base'][number];

export function Sides({ chosen, base, candidate, more }: { chosen: Chosen; base?: Told; candidate?: Told; more: (Told | undefined)[] }) {
  const [picking, setPicking] = useState<'base' | 'candidate' | 'more' | null>(null);
  const taken = [chosen.base, chosen.candidate, ...chosen.more].filter((id): id is string => id !== undefined);
  return (
    <Card>
      <div className={styles.sides}>
        <Side role="Base" says="What is compared with" id={chosen.base} told={base} onPick={() => setPicking('base')}
          other={chosen.base !== 'baseline' && chosen.candidate ? <Button kind="quiet" small icon="flag" onClick={() => chosen.set({ base: 'baseline' })}>The baseline</Button> : null} />
        <Button kind="quiet" icon="again" aria-label="Swap base and candidate" disabled={!chosen.base || !chosen.candidate || chosen.base === 'baseline'} onClick={() => chosen.set({ base: chosen.candidate, candidate: chosen.base })} />
        <Side role="Candidate" says="What is judged" id={chosen.candidate} told={candidate} onPick={() => setPicking('candidate')} />
      </div>
      {chosen.base && chosen.candidate && (
        <div className={styles.more}>
          {chosen.more.map((id, place) => (
            <span key={id} className={styles.extra}>
              <Chip title={more[place]?.name ?? id}>{more[place] ? `${more[place].name ?? id}, ${format.date(more[place].startedAt)}` : id.slice(0, 13)}</Chip>
              <Button kind="quiet" small icon="bad" aria-label={`Leave out ${more[place]?.name ?? id}`} onClick={() => chosen.set({ more: chosen.more.filter((other) => other !== id) })} />
            </span>
          ))}
          <Button kind="quiet" small icon="plus" disabled={chosen.more.length >= MOST_MORE} onClick={() => setPicking('more')}>Add a run</Button>
        </div>
      )}
      <RunPicker title={picking === 'base' ? 'Choose the base' : picking === 'candidate' ? 'Choose the candidate' : 'Add a run'} open={picking !== null} not={taken} onClose={() => setPicking(null)}
        onChoose={(id) => chosen.set(picking === 'more' ? { more: [...chosen.more, id] } : { [picking!]: id })} />
    </Card>
  );
}

function Side({ role, says, id, told, onPick, other }: { role: string; says: string; id?: string; told?: Told; onPick: () => void; other?: React.ReactNode }) {
  return (
    <section className={styles.side} aria-label={role}>
      <div className={styles.role}><b>{role}</b>{says}</div>
      <div className={styles.name}>
        {id === undefined ? <span className="soft">Not chosen yet</span> : id === 'baseline' ? <span className="cut" title={told?.name ?? undefined}>The baseline{told?.name ? ` of ${told.name}` : ''}</span> : <Link to="/runs/$id" params={{ id }} className="cut" title={told?.name ?? id}>{told?.name ?? id}</Link>}
        <Button small icon="search" onClick={onPick}>{id === undefined ? 'Choose' : 'Change'}</Button>
        {other}
      </div>
      {told && (
        <div className={styles.facts}>
          {format.date(told.startedAt)}<span>{format.duration(told.durationSeconds)}</span><span>{format.short(told.totalRequests)} requests</span>
          <VerdictChip verdict={told.verdict} />
          {!told.complete && <Chip tone="warning" icon="warning">Not complete</Chip>}
          {told.interrupted && <Chip tone="warning" icon="stop">Ended early</Chip>}
        </div>
      )}
    </section>
  );
}
