import * as z from 'zod';
import {
  type InputSpec,
  type Limit,
  limitSchema,
  type NodeClass,
  type NodeDefinitions,
  type NodeInput,
} from './node-definitions.ts';
import { isObject } from './objects.ts';

const inputsSchema = z.record(z.string(), z.unknown()).catch({}).default({});

/**
 * A ComfyUI's answer to `GET /object_info`, read by `parseExactJson`, as node definitions. A declaration in a form that
 * is not known sets no limit: classes of custom nodes declare many things.
 */
export const objectInfoSchema = objectInfoOf({ checksListsInOptions: true });

/** The same of a version before 0.8, which takes anything where a list stands among the options. */
export const objectInfoBefore08Schema = objectInfoOf({ checksListsInOptions: false });

/** What a version of ComfyUI compares a value with. */
interface Checks {
  /** With a list that stands among the options: `["COMBO", {"options": […]}]`. */
  checksListsInOptions: boolean;
}

function objectInfoOf(checks: Checks) {
  return z
    .record(
      z.string(),
      z.object({
        input: z.object({ required: inputsSchema, optional: inputsSchema }).catch({ required: {}, optional: {} }),
        output: z.array(z.unknown()).catch([]),
        output_node: z.boolean().catch(false),
        // As ComfyUI says of a class that nobody has marked.
        python_module: z.string().catch('nodes'),
      }),
    )
    .transform(
      (classes): NodeDefinitions =>
        new Map(
          Object.entries(classes).map(([name, { input, output, output_node, python_module }]): [string, NodeClass] => {
            const inputs = [
              ...inputsOf(name, input.optional, false, checks),
              ...inputsOf(name, input.required, true, checks),
            ];
            // A list as a type is that of an old combo.
            const outputs = output.map((type) => (typeof type === 'string' ? type : 'COMBO'));
            const stock = STOCK_MODULE.test(python_module);
            return [name, { outputNode: output_node, stock, inputs: new Map(inputs), outputs }];
          }),
        ),
    );
}

/** Where ComfyUI's own classes come from; those of packs come from `custom_nodes.<name of the pack>`. */
const STOCK_MODULE = /^(?:nodes$|comfy_extras\.|comfy_api_nodes\.)/;

/**
 * Stock classes, and inputs of others, that are checked by the class itself, whatever it declares: all that define
 * `VALIDATE_INPUTS` or `validate_inputs` in ComfyUI 0.3.57 to 0.33. Those with a list of uploads are left out.
 */
const CHECKED_BY_CLASS = new Set([
  'CustomCombo',
  'Load3D',
  'Load3DAdvanced',
  'LoadImageSetNode.resize_method',
  'LoadLatent.latent',
  'ModelAttentionBackend.attention',
  'SelectModelDevice.device',
  'SelectCLIPDevice.device',
  'SelectVAEDevice.device',
  ...['horizontal_movement', 'vertical_movement', 'pan', 'tilt', 'roll', 'zoom'].map(
    (input) => `KlingCameraControls.${input}`,
  ),
]);

function inputsOf(
  className: string,
  declared: { [name: string]: unknown },
  required: boolean,
  checks: Checks,
): [string, NodeInput][] {
  return Object.entries(declared).map(([name, declaration]) => {
    const own = CHECKED_BY_CLASS.has(className) || CHECKED_BY_CLASS.has(`${className}.${name}`);
    const spec: InputSpec = own ? { kind: 'OWN' } : specOf(declaration, checks);
    return [name, { required, spec }];
  });
}

/** `[type, options?]`; a combo's list stands in the type's own place (old style) or among the options (new style). */
function specOf(declaration: unknown, { checksListsInOptions }: Checks): InputSpec {
  const [type, declared] = Array.isArray(declaration) ? (declaration as unknown[]) : [];
  const options = isObject(declared) ? declared : {};
  if (Array.isArray(type)) return comboOf(type, options);
  switch (type) {
    case 'COMBO':
      return comboOf(options.options, options, !checksListsInOptions);
    case 'INT':
    case 'FLOAT':
      return { kind: type, ...limitOf('min', options.min), ...limitOf('max', options.max) };
    case 'STRING':
    case 'BOOLEAN':
      return { kind: type };
    default:
      if (typeof type !== 'string') return { kind: 'LINK', type: '*' };
      return /^COMFY_(AUTOGROW|DYNAMIC)/.test(type) ? { kind: 'DYNAMIC' } : { kind: 'LINK', type };
  }
}

function comboOf(list: unknown, options: { [name: string]: unknown }, unchecked = false): InputSpec {
  // `image_upload`, `audio_upload`, …: their class looks for the file itself.
  const upload = Object.keys(options).some((key) => key.endsWith('_upload') && options[key] === true);
  // Without a list (`remote`) the choices are known elsewhere.
  if (upload || !Array.isArray(list) || !list.every(isChoice)) return { kind: 'OWN' };
  const multiple = options.multiselect === true;
  return { kind: 'COMBO', options: list, ...(multiple && { multiple }), ...(unchecked && { unchecked }) };
}

function isChoice(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

function limitOf(side: 'min' | 'max', value: unknown): { min?: Limit; max?: Limit } {
  const { success, data } = limitSchema.safeParse(value);
  return success ? { [side]: data } : {};
}
