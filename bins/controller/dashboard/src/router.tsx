// Turns addresses into screens. Each screen is loaded when it is first gone to.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { Shell } from './shell/Shell';
import { Unknown } from './shell/Unknown';
import { Failed, Loading } from './ui';

const root = createRootRoute({ component: Shell, notFoundComponent: Unknown });

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined);

/** What of `search` are texts under these names; the rest is passed over. */
const texts =
  <Name extends string>(...names: Name[]) =>
  (search: Record<string, unknown>): { [K in Name]?: string } =>
    Object.fromEntries(names.map((name) => [name, text(search[name])]).filter(([, value]) => value !== undefined)) as { [K in Name]?: string };

const runFilter = texts('q', 'state', 'tag', 'verdict', 'sort');
const home = createRoute({ getParentRoute: () => root, path: '/', validateSearch: runFilter, component: lazyRouteComponent(() => import('./screens/runs/Runs')) });
const runs = createRoute({ getParentRoute: () => root, path: '/runs', validateSearch: runFilter, component: lazyRouteComponent(() => import('./screens/runs/Runs')) });
const run = createRoute({ getParentRoute: () => root, path: '/runs/$id', component: lazyRouteComponent(() => import('./screens/run/Run')) });
const scenarios = createRoute({ getParentRoute: () => root, path: '/scenarios', validateSearch: texts('q', 'tag'), component: lazyRouteComponent(() => import('./screens/scenarios/Scenarios')) });
const newScenario = createRoute({ getParentRoute: () => root, path: '/scenarios/new', validateSearch: texts('from', 'curl'), component: lazyRouteComponent(() => import('./screens/editor/NewScenario')) });
const scenario = createRoute({ getParentRoute: () => root, path: '/scenarios/$id', component: lazyRouteComponent(() => import('./screens/scenarios/Scenario')) });
const editScenario = createRoute({ getParentRoute: () => root, path: '/scenarios/$id/edit', component: lazyRouteComponent(() => import('./screens/editor/EditScenario')) });
const compare = createRoute({ getParentRoute: () => root, path: '/compare', validateSearch: texts('base', 'candidate', 'more'), component: lazyRouteComponent(() => import('./screens/compare/Compare')) });
const workers = createRoute({ getParentRoute: () => root, path: '/workers', component: lazyRouteComponent(() => import('./screens/workers/Workers')) });
const capacity = createRoute({ getParentRoute: () => root, path: '/capacity', validateSearch: texts('scenario'), component: lazyRouteComponent(() => import('./screens/capacity/Searches')) });
const search = createRoute({ getParentRoute: () => root, path: '/capacity/$id', component: lazyRouteComponent(() => import('./screens/capacity/Search')) });
const settings = createRoute({ getParentRoute: () => root, path: '/settings', component: lazyRouteComponent(() => import('./screens/settings/Settings')) });
const settingsPart = createRoute({ getParentRoute: () => root, path: '/settings/$part', component: lazyRouteComponent(() => import('./screens/settings/Settings')) });
const signIn = createRoute({ getParentRoute: () => root, path: '/sign-in', validateSearch: texts('to', 'code', 'error', 'error_description'), component: lazyRouteComponent(() => import('./screens/sign-in/SignIn')) });
const gallery = createRoute({ getParentRoute: () => root, path: '/gallery', component: lazyRouteComponent(() => import('./screens/gallery/Gallery')) });

export const router = createRouter({
  routeTree: root.addChildren([home, runs, run, scenarios, newScenario, scenario, editScenario, compare, workers, capacity, search, settings, settingsPart, signIn, gallery]),
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultPendingMs: 200,
  defaultPendingComponent: () => <Loading rows={8} />,
  defaultErrorComponent: ({ error, reset }) => <Failed error={error} onRetry={reset} what="This page" />,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
