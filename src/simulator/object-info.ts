import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { FileStore } from './files.ts';
import { modelFiles, modelInputs } from './models.ts';
import type { NodeRun } from './nodes/node-call.ts';
import { exactNumber } from './protocol/json.ts';

const inputSpec = z.union([
  z.tuple([z.union([z.string(), z.array(z.string())])]),
  z.tuple([z.union([z.string(), z.array(z.string())]), z.record(z.string(), z.unknown())]),
]);
const inputs = z.record(z.string(), inputSpec);

const nodeInfo = z.looseObject({
  input: z.object({
    required: inputs.optional(),
    optional: inputs.optional(),
    hidden: z.record(z.string(), z.unknown()).optional(),
  }),
  is_input_list: z.boolean(),
  output: z.array(z.string()),
  output_is_list: z.array(z.boolean()),
  name: z.string(),
  output_node: z.boolean(),
});

/** `[type, options]` of an input; an old-style combo has its list of choices as type. */
export type InputSpec = z.infer<typeof inputSpec>;
/** What `/object_info` says of a class. */
export type NodeInfo = z.infer<typeof nodeInfo>;

/** A class that a test adds to those of the recorded server. */
export interface PackNode {
  info: NodeInfo;
  run: NodeRun;
}

/** The node classes that this server has. */
export interface ObjectInfo {
  get(classType: string): NodeInfo | undefined;
  /** The class as `/object_info/{class}` shows it: with the file and model lists of this moment. */
  describe(classType: string): NodeInfo | undefined;
  names(): string[];
  /** `min` or `max` of an input's options as Python would print it: "0" for an int, "0.0" for a float. */
  limitText(options: object, key: 'min' | 'max'): string;
}

/** Fields of every class that the recording leaves out. */
const notRecorded = { description: '', python_module: 'nodes', has_intermediate_output: false, search_aliases: [] };

/** Inputs whose choices are the files of the input folder, with the kind of file that they list. */
const fileInputs: Record<string, { input: string; kind: 'image' | 'audio' | 'video' }> = {
  LoadImage: { input: 'image', kind: 'image' },
  LoadImageMask: { input: 'image', kind: 'image' },
  LoadAudio: { input: 'audio', kind: 'audio' },
  LoadVideo: { input: 'file', kind: 'video' },
};

/**
 * Reads the recorded `/object_info` of a real server and puts the simulator's own model names into it, and the classes
 * of `packs`.
 */
export function loadObjectInfo(files: FileStore, packs: Readonly<Record<string, PackNode>> = {}): ObjectInfo {
  const limits = new WeakMap<object, Record<string, string>>();
  const keepLimits = function (this: object, key: string, value: unknown, context: { source?: string }): unknown {
    if ((key === 'min' || key === 'max') && context.source !== undefined) {
      limits.set(this, { ...limits.get(this), [key]: context.source });
    }
    return exactNumber(value, context.source);
  };
  const text = readFileSync(new URL('./object_info.json', import.meta.url), 'utf8');
  const parsed: unknown = JSON.parse(text, keepLimits as (key: string, value: unknown) => unknown);
  const classes = new Map<string, NodeInfo>();
  for (const [name, described] of Object.entries(z.record(z.string(), z.unknown()).parse(parsed))) {
    nodeInfo.parse(described); // The parsed copy is not used, since limits are found by the identity of the object.
    const info = described as NodeInfo;
    for (const { input, folder } of modelInputs[name] ?? []) fillChoices(info, input, modelFiles[folder] ?? []);
    classes.set(name, { ...notRecorded, ...info });
  }
  for (const [name, { info }] of Object.entries(packs)) classes.set(name, { ...notRecorded, ...info });

  return {
    get: (classType) => classes.get(classType),
    names: () => [...classes.keys()],
    limitText: (options, key) => limits.get(options)?.[key] ?? '',
    describe(classType) {
      const info = classes.get(classType);
      const fileInput = fileInputs[classType];
      if (!info || !fileInput) return info;
      const copy = structuredClone(info);
      fillChoices(copy, fileInput.input, files.listInputs(fileInput.kind));
      return copy;
    },
  };
}

function fillChoices(info: NodeInfo, input: string, choices: readonly string[]): void {
  const spec = info.input.required?.[input] ?? info.input.optional?.[input];
  if (!spec) return;
  if (Array.isArray(spec[0])) spec[0].unshift(...choices);
  else if (spec[1]) spec[1].options = [...choices];
}
