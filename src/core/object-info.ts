import * as z from 'zod';
import {
  defaultOf,
  type InputSpec,
  type Limit,
  limitSchema,
  type NamedInput,
  type NodeClass,
  type NodeDefinitions,
  type Shown,
} from './node-definitions.ts';
import { isObject } from './objects.ts';

const inputsSchema = z.record(z.string(), z.unknown()).catch({}).default({});
const jsonSchema = z.json();
const orderSchema = z.array(z.string()).catch([]).default([]);
/** Options of inputs may have inputs with options, three deep in ComfyUI 0.33. */
const MOST_NESTED = 8;

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
        input_order: z.object({ required: orderSchema, optional: orderSchema }).catch({ required: [], optional: [] }),
        output: z.array(z.unknown()).catch([]),
        output_name: z.array(z.string()).nullable().catch(null),
        output_node: z.boolean().catch(false),
        display_name: z.string().catch(''),
        // As ComfyUI says of a class that nobody has marked.
        python_module: z.string().catch('nodes'),
      }),
    )
    .transform(
      (classes): NodeDefinitions =>
        new Map(
          Object.entries(classes).map(([name, { input, input_order, output, ...said }]): [string, NodeClass] => {
            const required = inputsOf(name, input.required, true, checks);
            const optional = inputsOf(name, input.optional, false, checks);
            const byName = new Map([...optional, ...required].map((each) => [each.name, each]));
            const order = [...input_order.required, ...input_order.optional, ...required, ...optional].map((each) =>
              typeof each === 'string' ? each : each.name,
            );
            const inputs = [...new Set(order)].flatMap((each) => byName.get(each) ?? []);
            // A list as a type is that of an old combo.
            const outputs = output.map((type) => (typeof type === 'string' ? type : 'COMBO'));
            const names = said.output_name?.some((each, at) => each !== outputs[at]) ? said.output_name : null;
            return [
              name,
              {
                outputNode: said.output_node,
                stock: STOCK_MODULE.test(said.python_module),
                ...(said.display_name && said.display_name !== name && { displayName: said.display_name }),
                inputs: new Map(inputs.map(({ name: input, required, spec }) => [input, { required, spec }])),
                ordered: true,
                outputs,
                ...(names && { outputNames: names }),
              },
            ];
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

/**
 * Lists of stock classes that are tuples in Python, which JSON does not tell: ComfyUI compares a value only with a
 * list. All that there are in ComfyUI 0.3.57 to 0.33; from 0.3.64 on both lists stand among the options.
 */
const TUPLES = new Set(['FluxKontextMultiReferenceLatentMethod.reference_latents_method', 'LoraSave.lora_type']);

function inputsOf(
  className: string,
  declared: { [name: string]: unknown },
  required: boolean,
  checks: Checks,
): NamedInput[] {
  return Object.entries(declared).map(([name, declaration]) => {
    const path = `${className}.${name}`;
    const own = CHECKED_BY_CLASS.has(className) || CHECKED_BY_CLASS.has(path);
    const spec = specOf(declaration, checks, own);
    const isTuple = TUPLES.has(path) && Array.isArray(declaration) && Array.isArray(declaration[0]);
    return { name, required, spec: isTuple && spec.kind === 'COMBO' ? { ...spec, unchecked: true } : spec };
  });
}

/** `[type, options?]`; a combo's list stands in the type's own place (old style) or among the options (new style). */
function specOf(declaration: unknown, checks: Checks, own: boolean, depth = 0): InputSpec {
  const [type, declared] = Array.isArray(declaration) ? (declaration as unknown[]) : [];
  const options = isObject(declared) ? declared : {};
  const kind = kindOf(type, options, checks, depth);
  const spec: InputSpec = own ? { kind: 'OWN', ...(typeof type === 'string' && type !== 'COMBO' && { type }) } : kind;
  const { success, data: first } = jsonSchema.safeParse(options.default);
  const shown = shownOf(options);
  return {
    ...spec,
    ...(success && first !== defaultOf(spec) && { default: first }),
    ...(Object.keys(shown).length > 0 && { shown }),
  };
}

function kindOf(type: unknown, options: Options, checks: Checks, depth: number): InputSpec {
  if (Array.isArray(type)) return comboOf(type, options);
  switch (type) {
    case 'COMBO':
      return comboOf(options.options, options, !checks.checksListsInOptions);
    case 'INT':
    case 'FLOAT':
      return { kind: type, ...limitOf('min', options.min), ...limitOf('max', options.max) };
    case 'STRING':
      return {
        kind: type,
        ...(options.multiline === true && { multiline: true }),
        ...(options.dynamicPrompts === true && { dynamicPrompts: true }),
      };
    case 'BOOLEAN':
      return { kind: type };
    default:
      if (typeof type !== 'string') return { kind: 'LINK', type: '*' };
      return /^COMFY_(AUTOGROW|DYNAMIC)/.test(type) ? dynamicOf(options, checks, depth) : linkOf(type, options);
  }
}

function linkOf(type: string, { template }: Options): InputSpec {
  const allowed = isObject(template) ? template.allowed_types : undefined;
  return { kind: 'LINK', type, ...(typeof allowed === 'string' && { allowed }) };
}

function dynamicOf({ options, template }: Options, checks: Checks, depth: number): InputSpec {
  if (depth === MOST_NESTED) return { kind: 'DYNAMIC' };
  const inputsIn = (declared: unknown): NamedInput[] =>
    (['required', 'optional'] as const).flatMap((group) => {
      const inputs = isObject(declared) ? declared[group] : undefined;
      return Object.entries(isObject(inputs) ? inputs : {}).map(([name, declaration]) => {
        return { name, required: group === 'required', spec: specOf(declaration, checks, false, depth + 1) };
      });
    });
  const [each] = isObject(template) ? inputsIn(template.input) : [];
  if (each) return { kind: 'DYNAMIC', each: each.spec };
  if (!Array.isArray(options)) return { kind: 'DYNAMIC' };
  const known = options.filter(isObject).flatMap(({ key, inputs }) => {
    return isChoice(key) ? [{ key, inputs: inputsIn(inputs) }] : [];
  });
  return { kind: 'DYNAMIC', options: known };
}

/** What the editor goes by. */
function shownOf(options: Options): Shown {
  const { control_after_generate: control, widgetType, image_folder: folder } = options;
  const upload = uploadOf(options);
  return {
    ...((typeof control === 'string' || typeof control === 'boolean') && { control }),
    ...(options.forceInput === true && { forceInput: true }),
    ...(options.socketless === true && { socketless: true }),
    ...(options.hidden === true && { hidden: true }),
    ...(typeof widgetType === 'string' && { widget: widgetType }),
    ...(upload !== null && { upload }),
    ...(typeof folder === 'string' && folder !== 'input' && { folder }),
  };
}

/** `image_upload`, `audio_upload`, …: their class looks for the file itself. */
function uploadOf(options: Options): string | null {
  const key = Object.keys(options).find((key) => key.endsWith('_upload') && options[key] === true);
  return key?.slice(0, -'_upload'.length) ?? null;
}

function comboOf(list: unknown, options: Options, unchecked = false): InputSpec {
  // Without a list (`remote`) the choices are known elsewhere.
  if (uploadOf(options) !== null || !Array.isArray(list) || !list.every(isChoice)) return { kind: 'OWN' };
  const multiple = options.multiselect === true;
  return { kind: 'COMBO', options: list, ...(multiple && { multiple }), ...(unchecked && { unchecked }) };
}

type Options = { [name: string]: unknown };

function isChoice(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

function limitOf(side: 'min' | 'max', value: unknown): { min?: Limit; max?: Limit } {
  const { success, data } = limitSchema.safeParse(value);
  return success ? { [side]: data } : {};
}
