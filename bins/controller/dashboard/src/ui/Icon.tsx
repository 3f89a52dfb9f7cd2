// Draws the few signs that stand beside words, 16 by 16, in the colour of the words.
const PATHS = {
  runs: 'M2 11.5h2.2l2-7 3.2 9 2.2-5H14',
  scenarios: 'M3.5 2.5h6l3 3v8h-9zM9.5 2.5v3h3M5.8 8.5h4.4M5.8 11h3',
  compare: 'M4 13V6M8 13V3M12 13V8.5M2.5 13.5h11',
  capacity: 'M2.5 11a5.5 5.5 0 0 1 11 0M8 11l2.8-3.6',
  workers: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01',
  settings: 'M2.5 5h6M12.5 5h1M2.5 11h1M7.5 11h6M10.5 3.2v3.6M5.5 9.2v3.6',
  plus: 'M8 3v10M3 8h10',
  play: 'M5 3.2v9.6L12.6 8z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  stop: 'M4 4h8v8H4z',
  gauge: 'M2.5 11.5a5.5 5.5 0 1 1 11 0M8 11.5 11 7',
  good: 'M3.2 8.4 6.4 11.6 12.8 4.6',
  warning: 'M8 2.5 14.2 13.2H1.8zM8 6.6v3.2M8 11.6v.01',
  bad: 'M4 4l8 8M12 4l-8 8',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M8 7.4v3.4M8 5.2v.01',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M8 4.8V8l2.2 1.6',
  down: 'M4 6.2 8 10.2l4-4',
  right: 'M6.2 4 10.2 8l-4 4',
  left: 'M9.8 4 5.8 8l4 4',
  up: 'M4 9.8 8 5.8l4 4',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9M10.4 10.4l3.1 3.1',
  sun: 'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6M8 1.6v1.2M8 13.2v1.2M1.6 8h1.2M13.2 8h1.2M3.5 3.5l.8.8M11.7 11.7l.8.8M12.5 3.5l-.8.8M4.3 11.7l-.8.8',
  moon: 'M13 9.4A5.4 5.4 0 0 1 6.6 3a5.4 5.4 0 1 0 6.4 6.4z',
  copy: 'M5.5 5.5h7v8h-7zM3.5 10.5v-8h7',
  link: 'M6.8 9.2l2.4-2.4M7.4 4.8l1.2-1.2a2.7 2.7 0 0 1 3.8 3.8l-1.2 1.2M8.6 11.2l-1.2 1.2a2.7 2.7 0 0 1-3.8-3.8l1.2-1.2',
  download: 'M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13.3h10',
  edit: 'M3 13l.6-2.8 7-7 2.2 2.2-7 7z',
  trash: 'M3 4.5h10M6 4.5v-2h4v2M4.4 4.5l.6 9h6l.6-9',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  key: 'M5.5 12.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6M7.6 8.2l5-5M10.4 5.4l1.8 1.8',
  again: 'M12.8 8A4.8 4.8 0 1 1 11.2 4.4M11.4 2v2.8H8.6',
  flag: 'M4 14V2.5h8l-1.8 3L12 8.5H4',
  out: 'M6 3H3v10h3M9.5 5l3 3-3 3M12.5 8H6',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  const filled = name === 'play' || name === 'stop';
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" fill={filled ? 'currentColor' : 'none'} stroke="currentColor" strokeWidth={name === 'more' ? 2.2 : 1.5} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false" style={{ flex: 'none' }}>
      <path d={PATHS[name]} />
    </svg>
  );
}
