import { MAX_TAGS, MAX_WAIT_SECONDS } from '../../jobs/generate-arguments.ts';
import type { Builder } from '../builder.ts';

export function addLimits(builder: Builder): void {
  builder.objectType('InstallationLimits', {
    description: 'What the installation bounds, for forms.',
    fields: (t) => ({
      maxUploadBytes: t.expose('maxUploadBytes', {
        type: 'SafeInt',
        nullable: false,
        description: 'The largest input file, in bytes.',
      }),
      maxMegapixels: t.exposeFloat('maxMegapixels', {
        nullable: false,
        description: 'Width times height of what a workflow of the catalogue makes, in millions.',
      }),
      maxWaitSeconds: t.int({
        nullable: false,
        description: 'The largest `waitSeconds`.',
        resolve: () => MAX_WAIT_SECONDS,
      }),
      maxDeadlineSeconds: t.exposeInt('maxDeadlineSeconds', {
        nullable: false,
        description: 'The largest `deadlineSeconds`.',
      }),
      maxTags: t.int({ nullable: false, description: 'The most `tags` of one job.', resolve: () => MAX_TAGS }),
    }),
  });

  builder.queryField('limits', (t) =>
    t.field({
      type: 'InstallationLimits',
      nullable: false,
      description: 'What the installation bounds, for forms.',
      resolve: (_root, _args, { services }) => services.limits,
    }),
  );
}
