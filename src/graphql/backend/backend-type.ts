import type { BackendStatus } from '../../backends/backends.ts';
import { unavailable } from '../../core/errors.ts';
import type { Builder } from '../builder.ts';
import type { FieldWeight } from '../engine/document-cost.ts';
import { isAdmin, needs, needsCaller } from '../scopes.ts';

const statuses = {
  UP: { value: 'UP', description: 'A worker reaches it and gives it work.' },
  DOWN: {
    value: 'DOWN',
    description: 'No worker reaches it, or none that runs has it, or it answers and runs nothing.',
  },
  DRAINING: { value: 'DRAINING', description: 'It gets no new work; what runs there finishes.' },
} as const satisfies Record<BackendStatus, { value: BackendStatus; description: string }>;

export function addBackend(builder: Builder): void {
  const status = builder.enumType('BackendStatus', { description: 'How a ComfyUI server stands.', values: statuses });

  builder.objectType('Backend', {
    description: 'A ComfyUI server, as the workers see it.',
    fields: (t) => ({
      name: t.exposeString('name', { nullable: false, description: 'Its configured name, as in `Job.backend`.' }),
      status: t.expose('status', { type: status, nullable: false, description: 'Whether it gets work.' }),
      comfyuiVersion: t.string({
        nullable: true,
        description: 'Its version, where it has told; for the scope `admin`, else null.',
        resolve: ({ comfyuiVersion }, _args, context) => (isAdmin(context) ? comfyuiVersion : null),
      }),
      queued: t.exposeInt('queued', { nullable: false, description: 'Prompts that wait there, whoever sent them.' }),
      running: t.exposeInt('running', { nullable: false, description: 'Prompts that run there: 0 or 1.' }),
      devices: t.stringList({
        nullable: false,
        description:
          'What it computes on, such as GPUs, as it names them; empty while it is DOWN, and without the scope `admin`.',
        resolve: ({ devices }, _args, context) => (isAdmin(context) ? devices : []),
      }),
      lastSeenAt: t.expose('lastSeenAt', {
        type: 'DateTime',
        nullable: false,
        description: 'When a worker last reached it; the beginning of 1970 where none ever has.',
      }),
      message: t.string({
        nullable: true,
        description: 'Why it is DOWN, for a person; for the scope `admin`, else null.',
        resolve: ({ message }, _args, context) => (isAdmin(context) ? message : null),
      }),
    }),
  });

  builder.queryField('backends', (t) =>
    t.field({
      type: ['Backend'],
      extensions: { items: 4 } satisfies FieldWeight,
      nullable: true,
      authScopes: needsCaller('job:read'),
      description: 'The ComfyUI servers that were known within the last week, by name, as the workers see them.',
      resolve: (_root, _args, { services }) =>
        services.backends.backends().catch((error: unknown) => {
          throw unavailable('The servers cannot be listed right now.', 1, error);
        }),
    }),
  );
}

export function addBackendMutations(builder: Builder): void {
  builder.mutationFields((t) => ({
    drainBackend: t.field({
      type: 'Backend',
      nullable: true,
      authScopes: needs('admin'),
      description:
        'Give a server no new work, before it is stopped or updated; what runs there finishes. The answer comes when ' +
        'workers have taken it, after five seconds at the latest. Nothing happens where it drains already.',
      args: { name: t.arg.string({ required: true, description: 'Its name in `backends`.' }) },
      resolve: (_root, { name }, { services, identity, requestId, address, signal }) =>
        services.changeBackends.drain({ identity, requestId, address, name, signal }),
    }),
    resumeBackend: t.field({
      type: 'Backend',
      nullable: true,
      authScopes: needs('admin'),
      description: 'Give a drained server work again. The answer comes as that of `drainBackend`.',
      args: { name: t.arg.string({ required: true, description: 'Its name in `backends`.' }) },
      resolve: (_root, { name }, { services, identity, requestId, address, signal }) =>
        services.changeBackends.resume({ identity, requestId, address, name, signal }),
    }),
  }));
}
