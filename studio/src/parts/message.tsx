import type { ReactNode } from 'react';
import { classNames } from './class-names.ts';
import styles from './message.module.css';

interface Props {
  title: string;
  detail?: string | undefined;
  tone?: 'plain' | 'bad';
  icon?: ReactNode;
  /** What can be done. */
  children?: ReactNode;
}

/** Fills a place that has nothing else to show: empty, or failed. */
export function Message({ title, detail, tone = 'plain', icon, children }: Props) {
  return (
    <div className={classNames(styles.message, styles[tone])} role={tone === 'bad' ? 'alert' : undefined}>
      {icon}
      <p className={styles.title}>{title}</p>
      {detail !== undefined && <p className={styles.detail}>{detail}</p>}
      {children !== undefined && <div className={styles.actions}>{children}</div>}
    </div>
  );
}
