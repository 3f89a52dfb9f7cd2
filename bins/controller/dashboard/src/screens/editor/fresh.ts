// Makes the document that the editor begins with: a new one, one of a curl line, or a copy.
import { text, type Doc } from './document';

export const fresh = (): Doc => ({ name: '', targetUrl: '', loadProfile: { type: 'CONSTANT', initialRps: 10 }, durationSeconds: 60 });

/** What a curl line says of the request, in the place of what the document said of it. */
export function withCurl(document: Doc, made: Doc): Doc {
  const request = ['method', 'headers', 'body', 'bodyBase64', 'form', 'cookies', 'host', 'mix'];
  const rest = Object.fromEntries(Object.entries(document).filter(([key]) => !request.includes(key)));
  const isNamed = text(document.name) !== '' && document.name !== document.targetUrl;
  // Name and URL stand at the top, where they stood.
  return { ...rest, ...made, ...(isNamed && { name: document.name! }) };
}

/** What a copy of a scenario begins with. Whether the old one started by itself is no matter. */
export function copyOf(scenario: Doc): Doc {
  const { autoStart: _, ...rest } = scenario;
  return { ...rest, name: `${text(scenario.name)} (copy)`.slice(-200) };
}
