import { CircleAlert, CircleCheck, CircleX } from 'lucide-react';
import styles from './status.module.css';

const ICONS = { good: CircleCheck, warn: CircleAlert, bad: CircleX };

/** How something stands, by a word, an icon and a colour. */
export function Status({ tone, children }: { tone: keyof typeof ICONS; children: string }) {
  const Icon = ICONS[tone];
  return (
    <span className={styles.status} data-tone={tone}>
      <Icon size={14} aria-hidden />
      {children}
    </span>
  );
}
