import type { WorkflowParameter } from '@comfygate/client';
import { useState } from 'react';
import { Input } from '../parts/field.tsx';
import { Slider } from '../parts/slider.tsx';
import { sliderOf, unitOf } from './form-model.ts';
import styles from './number-control.module.css';

interface Props {
  parameter: WorkflowParameter;
  value: number | undefined;
  onChange(value: number | undefined): void;
  placeholder?: string;
}

/** A number that is typed, with a slider where there are bounds. */
export function NumberControl({ parameter, value, onChange, placeholder }: Props) {
  const [typed, setTyped] = useState<string | null>(null);
  const bounds = sliderOf(parameter);
  const unit = unitOf(parameter);
  return (
    <div className={styles.control}>
      {bounds && (
        <Slider label={`${parameter.title}, slider`} value={value ?? bounds.min} {...bounds} onChange={onChange} />
      )}
      <span className={bounds ? styles.narrow : styles.wide}>
        <Input
          inputMode={parameter.type === 'FLOAT' ? 'decimal' : 'numeric'}
          autoComplete="off"
          // What is typed may be no number yet: a minus, or a point at its end.
          value={typed ?? (value === undefined ? '' : String(value))}
          placeholder={placeholder}
          onChange={({ target }) => {
            setTyped(target.value);
            const text = target.value.trim().replace(',', '.');
            onChange(text === '' ? undefined : Number(text));
          }}
          onBlur={() => setTyped(null)}
        />
        {unit !== undefined && (
          <span className={styles.unit} aria-hidden>
            {unit}
          </span>
        )}
      </span>
    </div>
  );
}
