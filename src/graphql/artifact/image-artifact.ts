import { type ImageFormat, variantOf } from '../../variants/variant.ts';
import type { Builder } from '../builder.ts';
import { type ArtifactOfJob, addressOf, addressOptions, addressTexts, addressWeight } from './artifact-url.ts';

const formatValues = {
  WEBP: { value: 'WEBP', description: 'Small, known to every browser; keeps animations.' },
  JPEG: { value: 'JPEG', description: 'Known everywhere; what is transparent becomes white.' },
  PNG: { value: 'PNG', description: 'Loses nothing, and is large.' },
  AVIF: { value: 'AVIF', description: 'Smallest, and the slowest to make.' },
} as const satisfies Record<ImageFormat, { value: ImageFormat; description: string }>;

/** Pixels of an artifact whose type was found to be ImageArtifact or VideoArtifact, which have them. */
export function pixels(value: number | null): number {
  if (value === null) throw new Error('a file without its size was taken for a picture or a film');
  return value;
}

export function addImageArtifact(builder: Builder): void {
  const imageFormat = builder.enumType('ImageFormat', {
    description: 'What a picture can be given as.',
    values: formatValues,
  });
  builder.objectType(builder.objectRef<ArtifactOfJob>('ImageArtifact'), {
    description: 'A picture.',
    interfaces: ['Artifact'],
    fields: (t) => ({
      width: t.int({ nullable: false, description: 'Pixels.', resolve: ({ artifact }) => pixels(artifact.width) }),
      height: t.int({ nullable: false, description: 'Pixels.', resolve: ({ artifact }) => pixels(artifact.height) }),
      url: t.string({
        nullable: false,
        description:
          `${addressTexts.url} ` +
          'With a format, width or quality it gives another picture made of this one, without metadata, when it ' +
          'is first asked for. The 16 that were made last are kept; others are made again when they are asked for.',
        extensions: addressWeight,
        args: {
          expiresIn: t.arg.int({ description: addressTexts.expiresIn }),
          download: t.arg.boolean({ defaultValue: false, description: addressTexts.download }),
          format: t.arg({
            type: imageFormat,
            description: "Absent: the original's own, or WEBP where that is none of these.",
          }),
          width: t.arg.int({
            description: 'Pixels, 16 to 4096; the height follows. A picture is never made larger than it is.',
          }),
          quality: t.arg.int({
            description: '1 to 100; not with PNG. Absent: 80 for WEBP and JPEG, 50 for AVIF.',
          }),
        },
        resolve: (source, { format = null, width = null, quality = null, ...args }, { services }) => {
          const { artifact } = source;
          const variant = variantOf({ format, width, quality }, artifact);
          if (variant === null) return addressOf(source, args, services);
          return services.variants.url(artifact, variant, addressOptions(source, args, services));
        },
      }),
    }),
  });
}
