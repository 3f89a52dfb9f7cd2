// Turns a wish into something that can be pressed: a button, or a link that looks like one.
import { Link, type LinkProps } from '@tanstack/react-router';
import type { ButtonHTMLAttributes, ReactNode } from 'react';
import styles from './Button.module.css';
import { Icon, type IconName } from './Icon';

interface Look {
  /** `primary` once on a screen, `plain` otherwise, `quiet` in rows and bars, `danger` for what cannot be undone. */
  kind?: 'primary' | 'plain' | 'quiet' | 'danger';
  small?: boolean;
  icon?: IconName;
  children?: ReactNode;
}

const look = ({ kind = 'plain', small, children }: Look) => [styles.button, styles[kind], small && styles.small, !children && styles.bare].filter(Boolean).join(' ');

/** While `busy` it cannot be pressed again, and says so. Without words it needs an `aria-label`. */
export function Button({ kind, small, icon, busy = false, children, disabled, className = '', ...rest }: Look & { busy?: boolean } & ButtonHTMLAttributes<HTMLButtonElement>) {
  return (
    <button type="button" className={`${look({ kind, small, children })} ${className}`} disabled={disabled || busy} aria-busy={busy || undefined} title={rest.title ?? (children ? undefined : rest['aria-label'])} {...rest}>
      {busy ? <span className={styles.busy} aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

export function LinkButton({ kind, small, icon, children, ...rest }: Look & LinkProps & { 'aria-label'?: string; title?: string }) {
  return (
    <Link className={look({ kind, small, children })} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </Link>
  );
}
