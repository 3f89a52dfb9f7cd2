// Puts around every screen what is always there: the way to the others, who is signed in, what holds for the whole platform.
import { Link, Outlet, useNavigate, useRouterState, type LinkProps } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { Button, Icon, Keys, LinkButton, Toasts, useKey, type IconName } from '../ui';
import { setTheme, useTheme } from '../ui/theme';
import { Account } from './Account';
import { Banners } from './Banners';
import { SignedIn } from './SignedIn';
import styles from './Shell.module.css';

const PARTS: { to: LinkProps['to']; label: string; icon: IconName; key: string; also?: string }[] = [
  { to: '/', label: 'Runs', icon: 'runs', key: 'r', also: '/runs' },
  { to: '/scenarios', label: 'Scenarios', icon: 'scenarios', key: 's' },
  { to: '/compare', label: 'Compare', icon: 'compare', key: 'c' },
  { to: '/capacity', label: 'Capacity', icon: 'gauge', key: 'p' },
  { to: '/workers', label: 'Workers', icon: 'workers', key: 'w' },
  { to: '/settings', label: 'Settings', icon: 'settings', key: ',' },
];

export function Shell() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  if (path === '/sign-in') return <><Outlet /><Toasts /></>;
  return <SignedIn><Frame path={path} /></SignedIn>;
}

function Frame({ path }: { path: string }) {
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [path]);
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#main">To the content</a>
      <header className={styles.bar}>
        <Brand />
        <Button kind="quiet" icon="menu" aria-label="Menu" aria-expanded={open} onClick={() => setOpen(!open)} />
      </header>
      <aside className={`${styles.side} ${open ? styles.open : ''}`} aria-label="Menu">
        <div className={styles.brand}><Brand /></div>
        <LinkButton to="/scenarios/new" kind="primary" icon="plus">New test</LinkButton>
        <nav className={styles.parts} aria-label="Parts">
          {PARTS.map((part) => <Part key={part.label} to={part.to} label={part.label} icon={part.icon} current={isCurrent(path, part)} />)}
        </nav>
        <div className={styles.foot}>
          <Account />
          <ThemeButton />
        </div>
      </aside>
      <div className={styles.screen}>
        <Banners />
        <Outlet />
      </div>
      <GoKeys />
      <Keys />
      <Toasts />
    </div>
  );
}

const isCurrent = (path: string, { to, also }: { to: LinkProps['to']; also?: string }) => path === to || (to !== '/' && path.startsWith(`${to}/`)) || (also !== undefined && path.startsWith(also));

function Brand() {
  return (
    <Link to="/" className={styles.logo}>
      <svg width="20" height="20" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" className={styles.ground} /><path d="M7 23V9M7 23h18M10 19c3 0 4-2 6-6s4-4 8-4" className={styles.curve} /></svg>
      loadcore
    </Link>
  );
}

function Part({ to, label, icon, current }: { to: LinkProps['to']; label: string; icon: IconName; current: boolean }) {
  return <Link to={to} className={styles.part} aria-current={current ? 'page' : undefined}><Icon name={icon} />{label}</Link>;
}

/** `g` and a letter goes to a part. */
function GoKeys() {
  const navigate = useNavigate();
  return (
    <>
      {PARTS.map(({ to, label, key }) => <GoKey key={key} keys={`g ${key}`} says={`Go to ${label.toLowerCase()}`} go={() => navigate({ to })} />)}
      <GoKey keys="n" says="New test" go={() => navigate({ to: '/scenarios/new' })} />
    </>
  );
}

function GoKey({ keys, says, go }: { keys: string; says: string; go: () => void }) {
  useKey(keys, says, go);
  return null;
}

function ThemeButton() {
  const { dark } = useTheme();
  return <Button kind="quiet" small icon={dark ? 'sun' : 'moon'} aria-label={dark ? 'Light colours' : 'Dark colours'} onClick={() => setTheme(dark ? 'light' : 'dark')} />;
}
