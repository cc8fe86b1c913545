import type { WorkflowParameter } from '@comfygate/client';
import { Plus, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button, IconButton } from '../parts/button.tsx';
import { FieldItem } from '../parts/field.tsx';
import styles from './list-control.module.css';

interface Props {
  parameter: WorkflowParameter;
  values: readonly unknown[];
  onChange(values: readonly unknown[]): void;
  /** The control of one of them. */
  renderItem(value: unknown, onChange: (value: unknown) => void): ReactNode;
}

/** What a new item begins as. */
function firstValue({ type, choices, minimum }: WorkflowParameter): unknown {
  if (type === 'BOOLEAN') return false;
  if (type === 'STRING') return '';
  return type === 'ENUM' || type === 'MODEL' ? (choices?.[0]?.value ?? '') : Math.max(minimum ?? 0, 0);
}

/** Any number of values, one below the other. */
export function ListControl({ parameter, values, onChange, renderItem }: Props) {
  return (
    <div className={styles.list}>
      {values.map((value, i) => (
        <div key={i} className={styles.item}>
          <div className={styles.control}>
            <FieldItem label={`${parameter.title}, number ${i + 1}`}>
              {renderItem(value, (next) => onChange(values.with(i, next)))}
            </FieldItem>
          </div>
          <IconButton
            label={`Remove number ${i + 1}`}
            data-hint-at="end"
            onClick={() => onChange(values.toSpliced(i, 1))}
          >
            <X size={16} aria-hidden />
          </IconButton>
        </div>
      ))}
      <Button small className={styles.add} onClick={() => onChange([...values, firstValue(parameter)])}>
        <Plus size={15} aria-hidden /> Add
      </Button>
    </div>
  );
}
