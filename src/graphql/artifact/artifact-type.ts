import { MAX_TEXT_BYTES } from '../../core/artifact-kind.ts';
import type { Builder } from '../builder.ts';
import type { FieldWeight } from '../engine/document-cost.ts';
import { type ArtifactOfJob, addressExpiresAt, addressOf, addressTexts, addressWeight } from './artifact-url.ts';
import { addImageArtifact, pixels } from './image-artifact.ts';

/** An artifact without the facts of its kind is a FileArtifact. */
function typeOf({ artifact }: ArtifactOfJob) {
  const { kind, width, height, sizeBytes } = artifact;
  const hasSize = width !== null && height !== null;
  if (kind === 'image' && hasSize) return 'ImageArtifact';
  if (kind === 'video' && hasSize) return 'VideoArtifact';
  if (kind === 'audio') return 'AudioArtifact';
  if (kind === 'text' && sizeBytes <= MAX_TEXT_BYTES) return 'TextArtifact';
  return 'FileArtifact';
}

export function addArtifact(builder: Builder): void {
  builder.interfaceType('Artifact', {
    description: 'A file that a job made.',
    resolveType: typeOf,
    fields: (t) => ({
      id: t.id({
        nullable: false,
        description: 'Unique; a `FileInput` takes it.',
        resolve: ({ artifact }) => artifact.id,
      }),
      filename: t.string({
        nullable: false,
        description: 'Name for the file when it is saved.',
        resolve: ({ artifact }) => artifact.filename,
      }),
      contentType: t.string({
        nullable: false,
        description: 'Media type, found from its bytes.',
        resolve: ({ artifact }) => artifact.contentType,
      }),
      size: t.field({
        type: 'SafeInt',
        nullable: false,
        description: 'Bytes.',
        resolve: ({ artifact }) => artifact.sizeBytes,
      }),
      sha256: t.string({
        nullable: false,
        description: 'Of its bytes, in lower-case hex.',
        resolve: ({ artifact }) => artifact.sha256,
      }),
      node: t.string({
        nullable: false,
        description: 'Id of the node that made it.',
        resolve: ({ artifact }) => artifact.node,
      }),
      output: t.string({
        nullable: true,
        description: 'The name that the workflow gives to this output; null where it gives none.',
        resolve: ({ artifact }) => artifact.output,
      }),
      url: t.string({
        nullable: false,
        description: addressTexts.url,
        extensions: addressWeight,
        args: {
          expiresIn: t.arg.int({ description: addressTexts.expiresIn }),
          download: t.arg.boolean({ defaultValue: false, description: addressTexts.download }),
        },
        resolve: (source, args, { services }) => addressOf(source, args, services),
      }),
      urlExpiresAt: t.field({
        type: 'DateTime',
        nullable: false,
        description: 'Until when `url` without arguments works.',
        resolve: (source, _args, { services }) => addressExpiresAt(source, services),
      }),
    }),
  });

  addImageArtifact(builder);
  builder.objectType(builder.objectRef<ArtifactOfJob>('VideoArtifact'), {
    description: 'A film whose size is known; any other is a file.',
    interfaces: ['Artifact'],
    fields: (t) => ({
      width: t.int({
        nullable: false,
        description: 'Pixels as shown.',
        resolve: ({ artifact }) => pixels(artifact.width),
      }),
      height: t.int({
        nullable: false,
        description: 'Pixels as shown.',
        resolve: ({ artifact }) => pixels(artifact.height),
      }),
      durationSeconds: t.float({
        nullable: true,
        description: 'Its length, where it says so.',
        resolve: ({ artifact }) => artifact.durationSeconds,
      }),
    }),
  });
  builder.objectType(builder.objectRef<ArtifactOfJob>('AudioArtifact'), {
    description: 'Sound.',
    interfaces: ['Artifact'],
    fields: (t) => ({
      durationSeconds: t.float({
        nullable: true,
        description: 'Its length, where it says so.',
        resolve: ({ artifact }) => artifact.durationSeconds,
      }),
    }),
  });
  builder.objectType(builder.objectRef<ArtifactOfJob>('TextArtifact'), {
    description: 'Text, at most 1 MiB of it; longer ones are files.',
    interfaces: ['Artifact'],
    fields: (t) => ({
      text: t.string({
        nullable: false,
        // Of 5 KB, once it has been read from storage.
        extensions: { cost: 60 } satisfies FieldWeight,
        description:
          'What it says, read from storage when it is asked for. UNAVAILABLE while storage cannot be reached; ' +
          'LIMIT_EXCEEDED where the texts of one answer are longer than 8 MiB together.',
        // Each execution has values of its own, also for each event of a subscription: they stand for its answer.
        resolve: ({ artifact }, _args, { services, client }, { variableValues }) =>
          services.texts.read(artifact, variableValues, client),
      }),
    }),
  });
  builder.objectType(builder.objectRef<ArtifactOfJob>('FileArtifact'), {
    description: 'A file of a kind that has no type of its own.',
    interfaces: ['Artifact'],
  });
}
