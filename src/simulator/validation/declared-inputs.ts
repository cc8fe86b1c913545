import type { InputSpec, NodeInfo } from '../object-info.ts';
import { isRecord } from '../protocol/json.ts';

/** An input as a class declares it for the values that a node has. */
export interface DeclaredInput {
  name: string;
  type: string | string[];
  options: Record<string, unknown>;
  required: boolean;
}

const dynamicCombo = 'COMFY_DYNAMICCOMBO_V3';

/**
 * The inputs of a class, required ones first. A dynamic combo stands for the inputs of its chosen option, named
 * `combo.input`; with a missing or unknown choice it has none (ComfyUI 0.33 notices that only when the node runs).
 */
export function declaredInputs(info: NodeInfo, values: Record<string, unknown>): DeclaredInput[] {
  const found: DeclaredInput[] = [];
  collect(info.input.required, true, '');
  collect(info.input.optional, false, '');
  return found;

  function collect(specs: Record<string, InputSpec> | undefined, required: boolean, prefix: string): void {
    for (const [key, [type, options = {}]] of Object.entries(specs ?? {})) {
      const name = prefix + key;
      if (type === dynamicCombo) collectChoice(name, options, required);
      else found.push({ name, type, options, required });
    }
  }

  function collectChoice(name: string, options: Record<string, unknown>, required: boolean): void {
    const choices = Array.isArray(options.options) ? options.options : [];
    const chosen = choices.find((choice: unknown) => isRecord(choice) && choice.key === values[name]);
    if (!isRecord(chosen) || !isRecord(chosen.inputs)) return;
    collect(chosen.inputs.required as Record<string, InputSpec> | undefined, required, `${name}.`);
    collect(chosen.inputs.optional as Record<string, InputSpec> | undefined, false, `${name}.`);
  }
}

/** Required dynamic combos whose choice is absent or unknown, which makes the node fail when it runs. */
export function unresolvedChoices(info: NodeInfo, values: Record<string, unknown>): string[] {
  return Object.entries(info.input.required ?? {}).flatMap(([name, [type, options = {}]]) => {
    if (type !== dynamicCombo) return [];
    const choices = Array.isArray(options.options) ? options.options : [];
    return choices.some((choice: unknown) => isRecord(choice) && choice.key === values[name]) ? [] : [name];
  });
}

/** Whether an output of one type may feed an input of the other. */
export function typesFit(received: string, wanted: string | string[]): boolean {
  if (received === wanted || received === '*' || wanted === '*') return true;
  if (received === 'COMFY_MATCHTYPE_V3' || wanted === 'COMFY_MATCHTYPE_V3') return true;
  if (Array.isArray(wanted)) return received === 'COMBO';
  const offered = received.split(',').map((type) => type.trim());
  return wanted.split(',').some((type) => offered.includes(type.trim()) || type.trim() === '*');
}
