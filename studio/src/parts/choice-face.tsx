import { ChevronDown } from 'lucide-react';
import styles from './choice.module.css';

export interface Option {
  value: string;
  label: string;
}

export interface ChoiceProps {
  options: readonly Option[];
  /** Null: none of them. A value that is not among them is shown as it is. */
  value: string | null;
  onChange(value: string): void;
  placeholder?: string | undefined;
  /** Where it stands in no `Field`. */
  label?: string;
}

/** What is seen of a choice while its list is closed. */
export function ChoiceFace({ options, value, placeholder = 'Choose…' }: ChoiceProps) {
  const label = options.find((option) => option.value === value)?.label ?? value;
  return (
    <>
      <span className={styles.value} data-placeholder={label === null || undefined}>
        {label ?? placeholder}
      </span>
      <ChevronDown size={16} aria-hidden className={styles.icon} />
    </>
  );
}
