import type { WorkflowParameter } from '@comfygate/client';
import { Dices, Lock, LockOpen } from 'lucide-react';
import { IconButton } from '../parts/button.tsx';
import { drawSeed } from './form-model.ts';
import { NumberControl } from './number-control.tsx';
import styles from './seed-control.module.css';

interface Props {
  parameter: WorkflowParameter;
  /** Undefined: drawn anew for each run. */
  value: number | undefined;
  /** The one of the run that is shown. */
  last: number | undefined;
  onChange(value: number | undefined): void;
}

/** A seed that is drawn for each run, or kept. */
export function SeedControl({ parameter, value, last, onChange }: Props) {
  const isKept = value !== undefined;
  return (
    <div className={styles.control}>
      <NumberControl
        parameter={parameter}
        value={value}
        onChange={onChange}
        placeholder={last === undefined ? 'Random' : `Random, last ${last}`}
      />
      <IconButton label="Draw one and keep it" kind="plain" onClick={() => onChange(drawSeed(parameter))}>
        <Dices size={17} aria-hidden />
      </IconButton>
      <IconButton
        label={isKept ? 'Random for each run' : 'Keep this seed'}
        data-hint-at="end"
        kind="plain"
        aria-pressed={isKept}
        onClick={() => onChange(isKept ? undefined : (last ?? drawSeed(parameter)))}
      >
        {isKept ? <Lock size={16} aria-hidden /> : <LockOpen size={16} aria-hidden />}
      </IconButton>
    </div>
  );
}
