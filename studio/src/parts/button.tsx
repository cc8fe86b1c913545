import type { ComponentProps } from 'react';
import styles from './button.module.css';
import { classNames } from './class-names.ts';

export interface ButtonProps extends ComponentProps<'button'> {
  /** `primary`: what a page is for, one of it at most. Default `plain`. */
  kind?: 'primary' | 'plain' | 'quiet' | 'danger';
  small?: boolean;
}

export function Button({ kind = 'plain', small = false, className, type = 'button', ...rest }: ButtonProps) {
  return (
    <button
      type={type}
      className={classNames(styles.button, styles[kind], small && styles.small, className)}
      {...rest}
    />
  );
}

interface IconButtonProps extends ButtonProps {
  /** What it does; also shown while it is pointed at or has the focus. */
  label: string;
}

/** A button that shows an icon alone. */
export function IconButton({ label, kind = 'quiet', className, ...rest }: IconButtonProps) {
  return (
    <Button kind={kind} aria-label={label} data-hint={label} className={classNames(styles.icon, className)} {...rest} />
  );
}
