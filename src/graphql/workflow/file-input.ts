import type { InputType } from '@pothos/core';
import type { Builder, SchemaTypes } from '../builder.ts';

/** FileInput: an input file, uploaded before or fetched by the worker. */
export function addFileInput(builder: Builder): InputType<SchemaTypes> {
  const ref = builder.inputRef<{ upload?: string; url?: string }>('FileInput');
  builder.inputType(ref, {
    isOneOf: true,
    description:
      'An input file: one that was uploaded, or a public address that the worker fetches (https, no private network).',
    fields: (t) => ({
      upload: t.id({ description: 'Id of an upload whose file has been put to its address.' }),
      url: t.string({ description: 'An https address of at most 2048 characters, without user name and password.' }),
    }),
  });
  return ref;
}
