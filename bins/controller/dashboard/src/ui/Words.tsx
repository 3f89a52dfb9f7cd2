// Shows a sentence of the controller's: what stands between backticks is a command or a name, and looks like one.

export function Words({ children }: { children: string }) {
  const parts = children.split('`');
  // A single backtick is one.
  if (parts.length < 3 || parts.length % 2 === 0) return <>{children}</>;
  return <>{parts.map((part, place) => (place % 2 === 1 ? <code key={place}>{part}</code> : part))}</>;
}
