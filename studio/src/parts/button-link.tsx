import type { ReactNode } from 'react';
import { Link } from 'wouter';
import button from './button.module.css';
import styles from './button-link.module.css';
import { classNames } from './class-names.ts';

/** A link to a page that looks as the buttons beside it. */
export function ButtonLink({ href, children }: { href: string; children: ReactNode }) {
  return (
    <Link href={href} className={classNames(button.button, button.plain, styles.link)}>
      {children}
    </Link>
  );
}
