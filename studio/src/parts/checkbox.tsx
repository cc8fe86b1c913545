import type { ReactNode } from 'react';
import styles from './checkbox.module.css';

interface Props {
  checked: boolean;
  onChange(checked: boolean): void;
  children: ReactNode;
}

/** A choice of yes or no that is sent with others. For what takes effect at once see `Switch`. */
export function Checkbox({ checked, onChange, children }: Props) {
  return (
    <label className={styles.label}>
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
        className={styles.box}
      />
      {children}
    </label>
  );
}
