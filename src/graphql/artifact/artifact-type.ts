import { badInput } from '../../core/errors.ts';
import type { Builder } from '../builder.ts';
import type { ArtifactOfJob } from './artifact-of-job.ts';

/** S3 signs for no longer. */
const MAX_EXPIRES_SECONDS = 604_800;

/** Other kinds are files until their types can tell their length and size in pixels. */
function typeOf({ artifact }: ArtifactOfJob): 'ImageArtifact' | 'FileArtifact' {
  return artifact.kind === 'image' && artifact.width !== null && artifact.height !== null
    ? 'ImageArtifact'
    : 'FileArtifact';
}

/** Pixels of an artifact whose type was found to be ImageArtifact, which has them. */
function pixels(value: number | null): number {
  if (value === null) throw new Error('an image without its size was taken for an ImageArtifact');
  return value;
}

export function addArtifact(builder: Builder): void {
  builder.interfaceType('Artifact', {
    description: 'A file that a job made.',
    resolveType: typeOf,
    fields: (t) => ({
      id: t.id({ nullable: false, description: 'Unique.', resolve: ({ artifact }) => artifact.id }),
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
      url: t.string({
        nullable: false,
        description: 'A signed address that needs no other credential. The same for a while, so that browsers cache.',
        args: {
          expiresIn: t.arg.int({
            description:
              "For how many seconds it works, 1 to 604800, and never past the job's `expiresAt`; default from configuration.",
          }),
          download: t.arg.boolean({
            defaultValue: false,
            description: 'Whether browsers save the file instead of showing it.',
          }),
        },
        resolve: ({ artifact, expiresAt }, { expiresIn, download }, { services }) => {
          if (expiresIn != null && (expiresIn < 1 || expiresIn > MAX_EXPIRES_SECONDS)) {
            const message = `expected 1 to ${MAX_EXPIRES_SECONDS} seconds`;
            throw badInput([{ path: ['expiresIn'], message, code: 'out_of_range' }]);
          }
          return services.artifacts.url(artifact.key, {
            filename: artifact.filename,
            contentType: artifact.contentType,
            expiresInSeconds: expiresIn ?? services.artifactUrlTtlSeconds,
            download: download ?? false,
            ...(expiresAt === null ? {} : { notAfter: expiresAt }),
          });
        },
      }),
    }),
  });

  const image = builder.objectRef<ArtifactOfJob>('ImageArtifact');
  builder.objectType(image, {
    description: 'A picture.',
    interfaces: ['Artifact'],
    fields: (t) => ({
      width: t.int({ nullable: false, description: 'Pixels.', resolve: ({ artifact }) => pixels(artifact.width) }),
      height: t.int({ nullable: false, description: 'Pixels.', resolve: ({ artifact }) => pixels(artifact.height) }),
    }),
  });
  builder.objectType(builder.objectRef<ArtifactOfJob>('FileArtifact'), {
    description: 'A file of a kind that has no type of its own.',
    interfaces: ['Artifact'],
  });
}
