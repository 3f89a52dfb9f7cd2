// Shows the planned rate, as the controller tells it, with the points of the profile that can be dragged.
import { useMemo, useState } from 'react';
import { ProfilePlot } from '../../plots';
import { lasts, moved, courseOf, pointsOf } from './profile';
import { useEditing } from './editing';
import { line } from './plan';
import type { Verdict } from './use-validation';

export function PlanPlot({ verdict }: { verdict: Verdict }) {
  const { document, update, isLocked } = useEditing();
  const [isHeld, setHeld] = useState(false);
  const points = useMemo(() => pointsOf(document), [document]);
  // What is dragged is seen at once; the controller is asked when it rests.
  const course = useMemo(() => (verdict.isCurrent && verdict.plan && !isHeld ? line(verdict.plan) : courseOf(document)), [verdict.isCurrent, verdict.plan, isHeld, document]);
  return (
    <ProfilePlot label="The planned rate over time" durationSeconds={lasts(document)} seconds={course.seconds} rps={course.rps} points={isLocked ? [] : points} height={220}
      onChange={(changed, isDone) => {
        setHeld(!isDone);
        const place = changed.findIndex((point, at) => point.second !== points[at]?.second || point.rps !== points[at]?.rps);
        const id = points[place]?.id;
        if (id !== undefined) update((now) => moved(now, id, changed[place]!));
      }} />
  );
}
