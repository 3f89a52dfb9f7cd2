// Puts the quantile curves of runs on top of each other: how many percent of the requests took no longer than what.
import { queryOptions, useQueries } from '@tanstack/react-query';
import { call } from '../../api/client';
import type { EncodedHistograms } from '../../api/result';
import { exactOf } from '../../live/hdr';
import { PercentilePlot, seriesColour } from '../../plots';
import { Card, Failed, Loading } from '../../ui';

type Time = 'latency' | 'serviceTime';

/** A run's exact distributions, as curves can be drawn of them; null where a run has none. */
const distributions = (id: string) =>
  queryOptions({
    queryKey: ['distributions', id],
    queryFn: async ({ signal }) => {
      const told = await call<Partial<EncodedHistograms>>(`/runs/${id}/stats/histogram`, { signal });
      const [latency, serviceTime] = await Promise.all([exactOf(told.latency), exactOf(told.serviceTime)]);
      return { latency, serviceTime };
    },
    staleTime: Infinity,
  });

export function Curves({ of, time = 'latency' }: { of: readonly { id: string; label: string }[]; time?: Time }) {
  const found = useQueries({ queries: of.map(({ id }) => distributions(id)) });
  const failed = found.find(({ error }) => error);
  const curves = of.flatMap(({ label }, place) => {
    const distribution = found[place]?.data?.[time];
    return distribution ? [{ label, distribution, colour: seriesColour(place) }] : [];
  });
  return (
    <Card title="Latency by percentile" says="How long the quickest so many percent of the requests took at most. Where a curve lies lower, that run is quicker.">
      {failed ? <Failed error={failed.error} what="The curves" onRetry={() => found.forEach(({ refetch }) => refetch())} /> : found.some(({ isPending }) => isPending) ? <Loading height={280} /> : <PercentilePlot label="Latency of each run by percentile, up to the slowest requests." curves={curves} empty="No run has latencies" />}
    </Card>
  );
}
