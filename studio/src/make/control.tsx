import type { WorkflowParameter } from '@comfygate/client';
import { Choice } from '../parts/choice.tsx';
import { Input, TextArea } from '../parts/field.tsx';
import { Switch } from '../parts/switch.tsx';
import { ListControl } from './list-control.tsx';
import { NumberControl } from './number-control.tsx';
import { SeedControl } from './seed-control.tsx';

export interface ControlProps {
  parameter: WorkflowParameter;
  /** What the form shows; undefined where there is nothing. */
  value: unknown;
  onChange(value: unknown): void;
  /** The seed of the run that is shown. */
  lastSeed: number | undefined;
}

/** The control of a parameter, by its type; files have one of their own. */
export function Control({ parameter, value, onChange, lastSeed }: ControlProps) {
  const { type, list, choices, multiline, description, required } = parameter;
  if (list)
    return (
      <ListControl
        parameter={parameter}
        values={Array.isArray(value) ? value : []}
        onChange={onChange}
        renderItem={(item, change) => (
          <Control parameter={{ ...parameter, list: false }} value={item} onChange={change} lastSeed={lastSeed} />
        )}
      />
    );
  if (type === 'BOOLEAN') return <Switch checked={value === true} onChange={onChange} />;
  const number = typeof value === 'number' ? value : undefined;
  if (type === 'SEED') return <SeedControl parameter={parameter} value={number} last={lastSeed} onChange={onChange} />;
  if (type === 'INT' || type === 'FLOAT')
    return <NumberControl parameter={parameter} value={number} onChange={onChange} />;
  const text = typeof value === 'string' ? value : null;
  // While no server runs there is nothing to choose from, and the API takes any name.
  if (choices !== null && choices.length > 0)
    return <Choice options={choices} value={text} onChange={onChange} placeholder="As the workflow has it" />;
  const Text = multiline ? TextArea : Input;
  return (
    <Text
      value={text ?? ''}
      placeholder={multiline ? (description ?? undefined) : undefined}
      aria-required={required}
      onChange={({ target }: { target: { value: string } }) => onChange(target.value)}
    />
  );
}
