// Lists the forms in which a result can be had as a file.
import { download } from '../../api/client';
import type { Run } from '../../api/types';
import { fileName } from '../../api/words';
import { tellError } from '../../ui';

interface Form {
  label: string;
  says: string;
  path: 'report' | 'stats/series' | 'stats/histogram';
  format: string;
  /** What the file's name ends in. */
  ending: string;
}

export const FORMS: readonly Form[] = [
  { label: 'Report', says: 'HTML: one file, for a browser', path: 'report', format: 'html', ending: 'html' },
  { label: 'Result', says: 'JSON: everything', path: 'report', format: 'json', ending: 'json' },
  { label: 'Markdown', says: 'For a comment on a pull request', path: 'report', format: 'markdown', ending: 'md' },
  { label: 'JUnit', says: 'XML: tests for a pipeline', path: 'report', format: 'junit', ending: 'xml' },
  { label: 'Text', says: 'As in a terminal', path: 'report', format: 'text', ending: 'txt' },
  { label: 'Seconds', says: 'CSV: a row for each second', path: 'stats/series', format: 'csv', ending: 'csv' },
  { label: 'Percentiles', says: 'HdrHistogram’s distribution', path: 'report', format: 'hgrm', ending: 'hgrm' },
  { label: 'Interval log', says: 'HdrHistogram: each second’s distribution', path: 'stats/series', format: 'hlog', ending: 'hlog' },
];

export const downloadChoices = (run: Run) =>
  FORMS.map(({ label, says, path, format, ending }) => ({
    label,
    says,
    onChoose: () => void download(`/runs/${run.id}/${path}`, { format }, `${fileName(run.scenario.name)}-${run.id.slice(0, 8)}.${ending}`).catch(tellError),
  }));
