// Lists the parts of a run's page, so that nobody has to scroll to know what there is.
import { useEffect, useState, type ReactNode } from 'react';
import { goTo } from './Judgements';
import styles from './Run.module.css';

export interface PartOfPage {
  id: string;
  name: string;
  /** How many there are of what it lists. */
  count?: number;
}

interface Props {
  parts: readonly PartOfPage[];
  /** Those below the first picture have come. */
  isWhole: boolean;
  beside?: ReactNode;
}

export function OnThisPage({ parts, isWhole, beside }: Props) {
  const now = useSeen(parts, isWhole);
  return (
    <div className={styles.onThisPage}>
      <nav aria-label="On this page">
        {parts.map(({ id, name, count }) => (
          <a key={id} href={`#${id}`} aria-current={id === now ? 'location' : undefined} onClick={(event) => goTo(event, id)}>
            {name}{count !== undefined && count > 0 && <span className={styles.count}>{count}</span>}
          </a>
        ))}
      </nav>
      {beside}
    </div>
  );
}

/** A part that can be gone to. */
export function Part({ id, children }: { id: string; children: ReactNode }) {
  return <div id={id} tabIndex={-1} className={styles.part}>{children}</div>;
}

/** The topmost part in the upper half of the screen, below what lies on top of it where there is little room. */
function useSeen(parts: readonly PartOfPage[], isWhole: boolean): string | null {
  const [seen, setSeen] = useState<string | null>(null);
  const ids = parts.map(({ id }) => id).join(' ');
  useEffect(() => {
    const visible = new Set<string>();
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          if (isIntersecting) visible.add(target.id);
          else visible.delete(target.id);
        }
        setSeen(ids.split(' ').find((id) => visible.has(id)) ?? null);
      },
      { rootMargin: '-104px 0px -55% 0px' },
    );
    for (const id of ids.split(' ')) {
      const element = document.getElementById(id);
      if (element) observer.observe(element);
    }
    return () => observer.disconnect();
  }, [ids, isWhole]);
  return seen;
}
