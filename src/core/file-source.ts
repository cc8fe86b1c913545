import * as z from 'zod';

/** What an input file must be, by its bytes. A mask is a picture. */
export const fileKinds = ['image', 'mask', 'audio', 'video'] as const;
export type FileKind = (typeof fileKinds)[number];

/** An input file as a caller names it: one that was uploaded, or a public address. Exactly one of the two. */
export const fileSourceSchema = z.union([z.strictObject({ upload: z.string() }), z.strictObject({ url: z.string() })]);
export type FileSource = z.infer<typeof fileSourceSchema>;
