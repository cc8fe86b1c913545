import { useEffect, useState } from 'react';
import styles from './loading.module.css';

/** Something is on its way. It shows after a moment, so that what comes at once does not flicker. */
export function Loading({ label = 'Loading' }: { label?: string }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 250);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" className={styles.place}>
      {shown && <span className={styles.ring} role="img" aria-label={label} />}
    </div>
  );
}
