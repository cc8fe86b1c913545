import { type ReactNode, useEffect } from 'react';
import styles from './page-title.module.css';

interface Props {
  children: string;
  /** At the end of its line. */
  actions?: ReactNode;
}

/** The heading of a page, which is the browser's title as well. */
export function PageTitle({ children, actions }: Props) {
  useEffect(() => {
    document.title = `${children} · comfygate studio`;
  }, [children]);
  return (
    <div className={styles.line}>
      <h1>{children}</h1>
      {actions !== undefined && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}
