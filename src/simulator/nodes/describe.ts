import { isRecord } from '../protocol/json.ts';
import { repr } from '../protocol/python.ts';

/** A value as `str()` prints it in an error's `current_inputs`, a tensor by its shape. */
export function describeValue(value: unknown): string {
  if (!isRecord(value) || typeof value.kind !== 'string') return repr(value);
  if (value.kind === 'image' || value.kind === 'mask') {
    const channels = value.kind === 'mask' ? '' : `, ${value.channels}`;
    return `tensor(..., size=(${value.batch}, ${value.height}, ${value.width}${channels}))`;
  }
  if (value.kind === 'latent') {
    const [rows, columns] = [Number(value.height) / 8, Number(value.width) / 8];
    return `{'samples': tensor(..., size=(${value.batch}, 4, ${rows}, ${columns}))}`;
  }
  return `<${value.kind} object>`;
}

/** As ComfyUI formats the inputs of a node that failed: plain values as they are, others as text. */
export function formatInput(value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (['string', 'number', 'boolean'].includes(typeof value) || JSON.isRawJSON(value)) return value;
  return describeValue(value);
}
