import { CircleAlert, Info } from 'lucide-react';
import { type ComponentProps, createContext, type ReactNode, useContext, useId } from 'react';
import { classNames } from './class-names.ts';
import styles from './field.module.css';

/** What ties a control to the label, hint and error of its field. */
export interface ControlProps {
  id?: string;
  'aria-label'?: string;
  'aria-labelledby'?: string;
  'aria-describedby'?: string | undefined;
  'aria-invalid'?: true | undefined;
}

const FieldContext = createContext<ControlProps>({});

/** For controls within a `Field`; empty outside of one. */
export const useFieldControl = (): ControlProps => useContext(FieldContext);

/** For one of several controls in a field, which each need a name. */
export function FieldItem({ label, children }: { label: string; children: ReactNode }) {
  const { id: _first, 'aria-labelledby': _field, ...control } = useFieldControl();
  return <FieldContext value={{ ...control, 'aria-label': label }}>{children}</FieldContext>;
}

interface FieldProps {
  label: string;
  /** What it is for; shown on demand. */
  hint?: string | undefined;
  /** What is wrong with the value. */
  error?: string | undefined;
  /** Whether it can be left empty; said beside the label. */
  optional?: boolean;
  /** At the end of the line of the label: a value, a button. */
  aside?: ReactNode;
  /** Any control of these parts: it gets label, hint and error from here. */
  children: ReactNode;
  className?: string | undefined;
}

/** A control with its label, and what is to be said of it. */
export function Field({ label, hint, error, optional = false, aside, children, className }: FieldProps) {
  const id = useId();
  const control: ControlProps = {
    id,
    'aria-labelledby': `${id}-label`,
    'aria-describedby':
      classNames(error !== undefined && `${id}-error`, hint !== undefined && `${id}-hint`) || undefined,
    'aria-invalid': error === undefined ? undefined : true,
  };
  return (
    <div className={classNames(styles.field, className)}>
      <div className={styles.top}>
        <label htmlFor={id} id={`${id}-label`} className={styles.label}>
          {label}
          {optional && <span className={styles.optional}> optional</span>}
        </label>
        {hint !== undefined && (
          <>
            <button
              type="button"
              className={styles.about}
              aria-label={`About ${label}`}
              aria-describedby={`${id}-hint`}
            >
              <Info size={14} aria-hidden />
            </button>
            <span id={`${id}-hint`} role="tooltip" className={styles.hint}>
              {hint}
            </span>
          </>
        )}
        {aside}
      </div>
      <FieldContext value={control}>{children}</FieldContext>
      {error !== undefined && (
        <p id={`${id}-error`} className={styles.error}>
          <CircleAlert size={14} aria-hidden />
          {error}
        </p>
      )}
    </div>
  );
}

/** A line of text. */
export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <input {...useFieldControl()} className={classNames(styles.input, className)} {...rest} />;
}

/** Text of several lines, as high as what is in it. */
export function TextArea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea {...useFieldControl()} className={classNames(styles.input, styles.area, className)} {...rest} />;
}
