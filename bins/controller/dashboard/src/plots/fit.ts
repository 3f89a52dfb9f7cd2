// Fits a view to a time that grows: it goes a little beyond, so that not each new second moves all that is painted.

type Range = [from: number, to: number];

/** How much of the view may lie empty before it. */
const SLACK = 0.05;

/** The view of `domain`, while `view` is the one of before: the same as long as it will do; exact of what does not grow. */
export function fitted(domain: Range, view: Range | null): Range {
  if (!view) return domain;
  const [from, to] = domain;
  const slack = (to - from) * SLACK;
  const isGrowing = from === view[0];
  const isSliding = !isGrowing && Math.abs(view[1] - view[0] - (to - from)) < 1e-6;
  if (!isGrowing && !isSliding) return domain;
  if (view[1] >= to && view[1] - to <= slack) return view;
  // A leap is no growth: there somebody looks at something else.
  if (to < view[1] || to - view[1] > 3 * slack + 2) return domain;
  const more = slack * 0.8;
  return isGrowing ? [from, to + more] : [from + more, to + more];
}
