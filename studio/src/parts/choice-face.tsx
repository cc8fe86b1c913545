import { ChevronDown } from 'lucide-react';
import styles from './choice.module.css';
import type { ControlProps } from './field.tsx';

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

const labelOf = ({ options, value, placeholder = 'Choose…' }: ChoiceProps): string =>
  options.find((option) => option.value === value)?.label ?? value ?? placeholder;

/** Its name for those who do not see it, with what is seen of it. */
export function choiceNames(props: ChoiceProps, { id, ...control }: ControlProps) {
  if (id !== undefined) return { ...control, id, 'aria-labelledby': `${id}-label ${id}` };
  const label = control['aria-label'] ?? props.label;
  return { ...control, 'aria-label': label && `${label}: ${labelOf(props)}` };
}

/** What is seen of a choice while its list is closed. */
export function ChoiceFace(props: ChoiceProps) {
  return (
    <>
      <span className={styles.value} data-placeholder={props.value === null || undefined}>
        {labelOf(props)}
      </span>
      <ChevronDown size={16} aria-hidden className={styles.icon} />
    </>
  );
}
