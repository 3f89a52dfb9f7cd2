// Turns where a list stands on the screen into which of its rows are in sight.

/** Rows that are drawn beyond the screen's edges, and by how many the answer moves at once: scrolling a little draws nothing anew. */
const [BEYOND, AT_ONCE] = [12, 8];

/** `top`: where the first row is, in pixels from the screen's upper edge, below 0 where it was scrolled past. */
export function rowsInSight(top: number, height: number, screen: number, count: number): { from: number; to: number } {
  const first = Math.floor(-top / height) - BEYOND;
  const last = Math.ceil((screen - top) / height) + BEYOND;
  const from = Math.max(0, Math.floor(first / AT_ONCE) * AT_ONCE);
  const to = Math.max(0, Math.ceil(last / AT_ONCE) * AT_ONCE);
  return { from: Math.min(from, count), to: Math.min(to, count) };
}
