import type { InputRef, InputType } from '@pothos/core';
import { MAX_CUSTOM_FILES } from '../../workflows/custom.ts';
import type { Builder, SchemaTypes } from '../builder.ts';
import type { FileKindType } from './file-input.ts';

type CustomValues = { [field: string]: unknown };

/** CustomWorkflowInput: a graph of the caller's own, and what to know of it that a manifest would say. */
export function addCustomInput(
  builder: Builder,
  fileInput: InputType<SchemaTypes>,
  fileKind: FileKindType,
): InputRef<CustomValues> {
  const file = builder.inputRef<CustomValues>('CustomFileInput');
  builder.inputType(file, {
    description: 'An input file for a node such as LoadImage.',
    fields: (t) => ({
      node: t.string({ required: true, description: 'Id of a node of the graph.' }),
      input: t.string({
        required: true,
        description:
          'The input that gets the name of the file, such as `image`; a value that the graph has there is replaced.',
      }),
      kind: t.field({
        type: fileKind,
        required: false,
        description: 'What it must be; when absent, one of these, whichever.',
      }),
      file: t.field({ type: fileInput, required: true, description: 'The file.' }),
    }),
  });

  const ref = builder.inputRef<CustomValues>('CustomWorkflowInput');
  builder.inputType(ref, {
    description: 'A graph of your own.',
    fields: (t) => ({
      graph: t.field({
        type: 'JSON',
        required: true,
        description:
          "ComfyUI API format, node id -> {class_type, inputs}, or what ComfyUI's editor saves, which is " +
          'converted by the classes of your servers; `Job.parameters` shows the graph that runs. No number is ' +
          'rounded: whole ones beyond 2^53-1, such as seeds of 64 bits, may be numbers or texts, and ' +
          '`Job.parameters` has them as texts.',
      }),
      name: t.string({ description: 'At most 64 characters of [A-Za-z0-9_-], no catalogue name; only shown.' }),
      outputs: t.stringList({
        description:
          'Ids of the nodes whose results are wanted, temporary ones (previews) too; absent: the final results ' +
          'of all nodes.',
      }),
      keepMetadata: t.boolean({
        defaultValue: false,
        description: 'Whether PNG files keep the graph that ComfyUI writes into them.',
      }),
      editorWorkflow: t.field({
        type: 'JSON',
        required: false,
        description:
          "The same graph as ComfyUI's editor saves it (File > Save), for nodes that read it from " +
          '`extra_pnginfo.workflow`; within the bounds of a graph. Absent: `graph`, where that is one.',
      }),
      files: t.field({
        type: [file],
        required: false,
        description: `Input files of the graph, at most ${MAX_CUSTOM_FILES}.`,
      }),
    }),
  });
  return ref;
}
