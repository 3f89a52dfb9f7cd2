// Asks for another rate of a run that goes on, and over how many seconds it is to come.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { changeRate } from '../../api/commands';
import { Button, Dialog, format, Input, tell } from '../../ui';
import styles from './Run.module.css';
import { keepAnswer } from './use-run';

const MOST_RATE = 1e9;
const MOST_SECONDS = 604_800;
const QUICK: [label: string, factor: number][] = [['×0.5', 0.5], ['−10%', 0.9], ['+10%', 1.1], ['×2', 2]];

const faultOf = (text: string, most: number): string | null => {
  const value = Number(text);
  return text.trim() !== '' && Number.isFinite(value) && value >= 0 && value <= most ? null : `Give a number from 0 to ${format.count(most)}.`;
};

const rounded = (rate: number): string => String(Math.max(0, Number(rate.toPrecision(4))));

export function RateDialog({ id, now, onClose }: { id: string; now: number | null; onClose: () => void }) {
  const queries = useQueryClient();
  const [first] = useState(now);
  const [rate, setRate] = useState(first === null ? '' : rounded(first));
  const [over, setOver] = useState('5');
  const [wasTried, setTried] = useState(false);
  const faults = { rate: faultOf(rate, MOST_RATE), over: faultOf(over, MOST_SECONDS) };
  const isWrong = faults.rate !== null || faults.over !== null;
  const change = useMutation({
    mutationFn: () => changeRate(id, Number(rate), Number(over)),
    onSuccess: (answer) => {
      keepAnswer(queries, answer);
      void queries.invalidateQueries({ queryKey: ['timeline', id] });
      tell(`The rate goes to ${format.rate(Number(rate))}${Number(over) > 0 ? ` within ${format.duration(Number(over))}` : ''}.`);
      onClose();
    },
    onError: () => undefined,
  });
  const go = () => (isWrong ? setTried(true) : change.mutate());
  return (
    <Dialog title="Change the rate" open onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" icon="gauge" busy={change.isPending} onClick={go}>Change</Button></>}>
      <form className={styles.form} onSubmit={(event) => { event.preventDefault(); go(); }}>
        <p className="soft">{first === null ? 'What is left of the load profile is replaced' : `Planned now: ${format.rate(first)}. What is left of the load profile is replaced`} by a line to this rate, and this rate to the end. All workers together.</p>
        <Input label="New rate" unit="/s" inputMode="decimal" autoFocus value={rate} fault={wasTried ? faults.rate : null} onChange={(event) => setRate(event.target.value)} onFocus={(event) => event.target.select()} />
        {first !== null && first > 0 && (
          <div className={styles.quick} role="group" aria-label="From the rate of now">
            {QUICK.map(([label, factor]) => <Button key={label} small onClick={() => setRate(rounded(first * factor))}>{label}</Button>)}
          </div>
        )}
        <Input label="Over" unit="s" inputMode="decimal" value={over} hint="0 changes it at once" fault={wasTried ? faults.over : null} onChange={(event) => setOver(event.target.value)} />
        {change.error && <p className={styles.fault} role="alert">{change.error.message}</p>}
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}
