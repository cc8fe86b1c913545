import { useFieldControl } from './field.tsx';
import styles from './switch.module.css';

interface Props {
  checked: boolean;
  onChange(checked: boolean): void;
  /** Where it stands in no `Field`. */
  label?: string;
}

/** On or off. */
export function Switch({ checked, onChange, label }: Props) {
  return (
    <input
      type="checkbox"
      role="switch"
      aria-checked={checked}
      aria-label={label}
      {...useFieldControl()}
      checked={checked}
      onChange={(event) => onChange(event.target.checked)}
      className={styles.switch}
    />
  );
}
