import * as z from 'zod';

/** What an input file must be, by its bytes. A mask is a picture. */
export const fileKinds = ['image', 'mask', 'audio', 'video'] as const;
export type FileKind = (typeof fileKinds)[number];

/**
 * An input file as a caller names it: one that was uploaded, a public address, or a result of a job of the caller's.
 * Exactly one of them.
 */
export const fileSourceSchema = z.union([
  z.strictObject({ upload: z.string() }),
  z.strictObject({ url: z.string() }),
  z.strictObject({ artifact: z.string() }),
]);
export type FileSource = z.infer<typeof fileSourceSchema>;
