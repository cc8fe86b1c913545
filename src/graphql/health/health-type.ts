import type { HealthStatus } from '../../health/health.ts';
import type { Builder } from '../builder.ts';
import type { FieldWeight } from '../engine/document-cost.ts';
import { isAdmin } from '../scopes.ts';

const statuses = {
  HEALTHY: { value: 'HEALTHY', description: 'All is well.' },
  DEGRADED: { value: 'DEGRADED', description: 'It works, with less than it should have.' },
  UNHEALTHY: { value: 'UNHEALTHY', description: 'It does not work.' },
} as const satisfies Record<HealthStatus, { value: HealthStatus; description: string }>;

export function addHealth(builder: Builder): void {
  const status = builder.enumType('HealthStatus', { description: 'How well something works.', values: statuses });

  builder.objectType('HealthCheck', {
    description: 'State of one thing that the gateway depends on.',
    fields: (t) => ({
      name: t.exposeString('name', { nullable: false, description: 'redis, storage, workers or comfyui.' }),
      status: t.expose('status', { type: status, nullable: false, description: 'How well it works.' }),
      latencyMs: t.exposeFloat('latencyMs', {
        nullable: true,
        description: 'How long it took to answer, in milliseconds, where it was asked.',
      }),
      message: t.string({
        nullable: true,
        description: 'What is wrong, for a person; for the scope `admin`, else null.',
        resolve: ({ message }, _args, context) => (isAdmin(context) ? message : null),
      }),
      since: t.expose('since', {
        type: 'DateTime',
        nullable: false,
        description:
          'Since when the status is as it is: of workers and comfyui as all know it, of redis and storage as ' +
          'this gateway does.',
      }),
    }),
  });
  builder.objectType('QueueHealth', {
    description: 'How much is waiting, and who works on it.',
    fields: (t) => ({
      queued: t.exposeInt('queued', { nullable: false, description: 'Jobs that wait.' }),
      running: t.exposeInt('running', { nullable: false, description: 'Jobs that run.' }),
      oldestQueuedSeconds: t.exposeFloat('oldestQueuedSeconds', {
        nullable: true,
        description: 'How long the oldest waiting job has waited; null when none waits.',
      }),
      workers: t.exposeInt('workers', { nullable: false, description: 'Workers that have lately been heard of.' }),
    }),
  });
  builder.objectType('Health', {
    description: 'State of the gateway and of all that it depends on.',
    fields: (t) => ({
      status: t.expose('status', { type: status, nullable: false, description: 'The whole.' }),
      version: t.exposeString('version', { nullable: false, description: 'Version of the gateway.' }),
      checkedAt: t.expose('checkedAt', {
        type: 'DateTime',
        nullable: false,
        description: 'When this was found out; a report is shared for a second.',
      }),
      checks: t.expose('checks', {
        type: ['HealthCheck'],
        extensions: { items: 4 } satisfies FieldWeight,
        nullable: false,
        description: 'redis, storage, workers, comfyui.',
      }),
      queue: t.expose('queue', { type: 'QueueHealth', nullable: false, description: 'The queue.' }),
    }),
  });

  builder.queryField('health', (t) =>
    t.field({
      type: 'Health',
      nullable: false,
      description: 'State of the gateway and of all that it depends on. Never fails: what is down is said inside.',
      resolve: (_root, _args, { services }) => services.health(),
    }),
  );
}
