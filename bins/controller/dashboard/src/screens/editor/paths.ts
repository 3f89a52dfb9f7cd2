// Turns the paths of faults, as `mix[2].headers."a b"`, into steps through a document, and back.

export type Step = string | number;
export type Steps = readonly Step[];

const PLAIN = /^[A-Za-z0-9_-]{1,60}$/;

/** As the controller writes it: a key that could be mistaken is quoted. */
export const pathOf = (steps: Steps): string =>
  steps.reduce<string>((path, step) => {
    if (typeof step === 'number') return `${path}[${step}]`;
    const key = PLAIN.test(step) ? step : JSON.stringify(step);
    return path === '' ? key : `${path}.${key}`;
  }, '');

/** What cannot be read as a step ends it: whoever shows a fault then shows it at what holds its place. */
export function stepsOf(path: string): Step[] {
  const steps: Step[] = [];
  let rest = path;
  while (rest !== '') {
    const index = /^\[(\d+)\]/.exec(rest);
    const quoted = /^\.?("(?:[^"\\]|\\.)*")/.exec(rest);
    const plain = /^\.?([^.[\]"]+)/.exec(rest);
    const found = index ?? quoted ?? plain;
    if (!found) break;
    if (index) steps.push(Number(index[1]));
    else if (quoted) steps.push(unquoted(quoted[1]!));
    else steps.push(plain![1]!);
    rest = rest.slice(found[0].length);
  }
  return steps;
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}

/** The path itself, then what holds it, up to the whole. */
export function upwards(path: string): string[] {
  const steps = stepsOf(path);
  return steps.map((_, place) => pathOf(steps.slice(0, steps.length - place)));
}
