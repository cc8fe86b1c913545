import { WifiOff } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { useComfy } from '../session/session.tsx';
import styles from './connection-banner.module.css';

/** Says so while the gateway cannot be reached; all that waits goes on by itself when it is back. */
export function ConnectionBanner() {
  const comfy = useComfy();
  const lost = useSyncExternalStore(comfy.onState, comfy.state) === 'lost';
  return (
    <div role="status" className={styles.place}>
      {lost && (
        <p className={styles.banner}>
          <WifiOff size={16} aria-hidden />
          The gateway cannot be reached at the moment. This page goes on by itself when it is back.
        </p>
      )}
    </div>
  );
}
