// Shows what is sent: where to, how, with which headers and body, and what the reply must have.
import { Button, Card } from '../../ui';
import { fromCurl, isCurl, type FromCurl } from './curl';
import { Checks } from './Checks';
import { get, list, set, text, type Doc } from './document';
import { AreaAt, ChoiceAt, TextAt, useEditing } from './editing';
import { Fold } from './Fold';
import styles from './Form.module.css';
import { Headers } from './Headers';
import { rowsOf } from './headers';

export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'].map((method) => [method, method] as const);

/** Until somebody gives a name it is the URL's. */
export function withUrl(document: Doc, url: string): Doc {
  const follows = text(document.name) === '' || document.name === document.targetUrl;
  const changed = set(document, 'targetUrl', url);
  return follows ? set(changed, 'name', url.slice(0, 200)) : changed;
}

export function RequestCard({ onCurl, onAskCurl, isNew }: { onCurl: (made: FromCurl) => void; onAskCurl: () => void; isNew: boolean }) {
  const { document, update, isLocked } = useEditing();
  const hasMix = list(document, 'mix').length > 0;
  const give = (url: string) => {
    if (isCurl(url)) {
      try {
        onCurl(fromCurl(url));
        return;
      } catch {
        // It is typed as it stands, and the controller says what is wrong with it.
      }
    }
    update((now) => withUrl(now, url));
  };
  return (
    <Card title="Request" says={hasMix ? 'The URLs of the mix are relative to this one.' : undefined} actions={<Button small kind="quiet" icon="copy" disabled={isLocked} onClick={onAskCurl}>Paste curl</Button>}>
      <div className={styles.stack}>
        <div className={`${styles.url} ${hasMix ? styles.urlOnly : ''}`}>
          {!hasMix && <ChoiceAt path="method" label="Method" options={METHODS} otherwise={get(document, 'form') === undefined ? 'GET' : 'POST'} />}
          <TextAt path="targetUrl" label="URL" placeholder="https://shop.example/" type="url" autoFocus={isNew} hint="Where the requests go, as the workers reach it. A curl line may be pasted here too." onPut={give} />
        </div>
        <div>
          <RequestParts path="" withBody={!hasMix} />
        </div>
      </div>
    </Card>
  );
}

/** Headers, body and checks, of the scenario or of one request of its mix. */
export function RequestParts({ path, withBody = true }: { path: string; withBody?: boolean }) {
  const { document } = useEditing();
  const faultsUnder = useFaultsUnder();
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  const headers = rowsOf(get(document, at('headers')));
  const checks = list(document, at('checks'));
  const body = get(document, at('body'));
  const other = get(document, at('bodyBase64')) !== undefined ? 'bodyBase64' : get(document, at('form')) !== undefined ? 'form' : null;
  const isOfAll = path === '' && !withBody ? ' of all requests' : '';
  return (
    <>
      <Fold plain title={`Headers${isOfAll}`} says={headers.map(([name]) => name).join(', ') || 'None'} faults={faultsUnder(at('headers'))}><Headers path={at('headers')} /></Fold>
      {withBody && (
        <Fold plain title="Body" says={other ? `In the JSON, as ${other}` : text(body) === '' ? 'None' : text(body)} faults={faultsUnder(at('body'), at('bodyBase64'), at('form'))}>
          {other ? <p className={styles.note} data-path={at(other)} tabIndex={-1}>It is given as <code>{other}</code>, which is changed in the JSON.</p> : <AreaAt path={at('body')} label="Body" quiet placeholder='{"article": 3}' rows={6} />}
        </Fold>
      )}
      <Fold plain title={`Checks${isOfAll}`} says={checks.length > 0 ? `${checks.length} beside the status` : 'A reply of 2xx or 3xx is ok'} faults={faultsUnder(at('checks'))}><Checks path={at('checks')} /></Fold>
    </>
  );
}

/** How many faults stand at one of some paths, or within it. */
export function useFaultsUnder(): (...paths: string[]) => number {
  const { faults } = useEditing();
  return (...paths) => faults.filter(({ path }) => paths.some((it) => path === it || path.startsWith(`${it}.`) || path.startsWith(`${it}[`))).length;
}
