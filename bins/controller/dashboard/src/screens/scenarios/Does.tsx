// Shows what a scenario does: its planned rate as a picture, the rest in words.
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { plan as planQuery } from '../../api/queries';
import type { Preview, Scenario } from '../../api/types';
import { rulesOf } from '../../api/words';
import { Card, Chip, format, Grid, Loading } from '../../ui';
import styles from './Scenario.module.css';

const ProfilePlot = lazy(() => import('../../plots/ProfilePlot').then((module) => ({ default: module.ProfilePlot })));

export function Does({ scenario }: { scenario: Scenario }) {
  const { data, isPending } = useQuery({ ...planQuery(scenario), enabled: Boolean(scenario.loadProfile) });
  const plan = data?.plan;
  const planned = scenario.loadProfile && (isPending || (plan && plan.rate.length > 0));
  return (
    <Grid least={460}>
      <Card title="What it does"><Facts scenario={scenario} /></Card>
      {planned && (
        <Card title="Planned rate" says={plan?.arrivals ? `${format.short(plan.arrivals)} requests in all, at most ${format.rate(plan.peakRps)}.` : undefined}>
          {plan ? <Suspense fallback={<Loading height={200} />}><Planned plan={plan} /></Suspense> : <Loading height={200} />}
        </Card>
      )}
    </Grid>
  );
}

function Planned({ plan }: { plan: Preview }) {
  const last = plan.rate.at(-1);
  const end = plan.durationSeconds ?? (last ? last.second + plan.rateSeconds : 0);
  // A row says the rate where it begins, and its mean: what it is where it ends follows, and steps stay upright.
  const corners = plan.rate.flatMap(({ second, rps, meanRps, peakRps }) => [[second, rps], [Math.min(end, second + plan.rateSeconds), Math.min(peakRps, Math.max(0, 2 * meanRps - rps))]] as const);
  const [seconds, rps] = [corners.map(([second]) => second), corners.map(([, value]) => value)];
  return <ProfilePlot label="The planned rate over time" durationSeconds={end} seconds={seconds} rps={rps} height={200} />;
}

function Facts({ scenario }: { scenario: Scenario }) {
  const { method, mix, numWorkers, connections, timeoutSeconds, warmupSeconds, arrivals, checks, observe, notes, httpVersion } = scenario;
  const rules = rulesOf(scenario);
  const facts: [string, React.ReactNode][] = [
    ['Requests', mix && mix.length > 0 ? <Mix mix={mix} /> : `${method ?? 'GET'} ${pathOf(scenario.targetUrl)}`],
    ['SLA rules', rules.length > 0 ? <span className={styles.chips}>{rules.map((rule, place) => <Chip key={place} title={rule}>{rule}</Chip>)}</span> : 'None: nothing is held against a limit'],
    ['Checks', checks && checks.length > 0 ? `${format.count(checks.length)} of each reply` : 'A status of 2xx or 3xx is ok'],
    ['Workers', format.count(numWorkers ?? 1)],
  ];
  if (connections) facts.push(['Connections', `At most ${format.count(connections)}`]);
  if (httpVersion && httpVersion !== 'auto') facts.push(['Protocol', httpVersion === 'http2' ? 'HTTP/2' : 'HTTP/1.1']);
  if (timeoutSeconds) facts.push(['Timeout', format.duration(timeoutSeconds)]);
  if (warmupSeconds) facts.push(['Warm-up', `${format.duration(warmupSeconds)}, in no figure`]);
  if (arrivals === 'POISSON') facts.push(['Arrivals', 'Random, as from many users who know nothing of each other']);
  if (observe && observe.length > 0) facts.push(['Observed metrics', observe.map((endpoint) => (typeof endpoint === 'string' ? endpoint : (endpoint.name ?? endpoint.url))).join(', ')]);
  if (notes) facts.push(['Notes', notes]);
  return <dl className={styles.facts}>{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

const MOST = 5;

function Mix({ mix }: { mix: NonNullable<Scenario['mix']> }) {
  const sum = mix.reduce((all, { weight }) => all + (weight ?? 1), 0);
  return (
    <ul>
      {mix.slice(0, MOST).map(({ name, weight, method, url }) => <li key={name} className="cut" title={`${name}: ${method ?? 'GET'} ${url ?? ''}`}><strong>{name}</strong> <span className="soft">{format.percent(((weight ?? 1) / sum) * 100, 2)}, {method ?? 'GET'} {url ?? ''}</span></li>)}
      {mix.length > MOST && <li className="soft">and {mix.length - MOST} more</li>}
    </ul>
  );
}

function pathOf(targetUrl: string): string {
  try {
    const { pathname, search } = new URL(targetUrl);
    return pathname + search;
  } catch {
    return targetUrl;
  }
}
