import { z } from 'zod';

/** On, off, or for that many times: 1 means the next one only. */
const times = z.union([z.boolean(), z.int().min(0)]);
const status = z.int().min(400).max(599);

/** Every fault that can be switched on, with what it does. All are off by default. */
export const faultSchema = z.strictObject({
  /** POST /prompt queues the prompt, then its connection is closed without an answer. */
  dropPromptAnswer: times.default(false),
  /** POST /prompt queues the prompt, then answers 500. */
  failPromptAnswer: times.default(false),
  /** POST /prompt takes a graph of several outputs without the last one, and names it in `node_errors`. */
  dropOutput: times.default(false),
  /** POST /prompt answers with this status and queues nothing. */
  refusePrompt: status.nullable().default(null),
  /** All HTTP answers have this status instead (503, 500, 401 ...), except those of /simulator. */
  httpStatus: status.nullable().default(null),
  /** All HTTP answers are delayed by this many milliseconds. */
  httpDelayMs: z.int().min(0).default(0),
  /** Every HTTP connection is closed without an answer. */
  httpReset: times.default(false),
  /** JSON answers of 200 are cut in the middle. */
  httpGarbage: times.default(false),
  /** Sockets connect, but no message is sent to any of them. */
  socketSilent: z.boolean().default(false),
  /** Sockets connect and get the first `status`, then no further message. */
  socketDeaf: z.boolean().default(false),
  /** `execution_success`, `_error`, `_interrupted` and the last `executing` are not sent. */
  loseFinalMessages: z.boolean().default(false),
  /** Every message is delayed by this many milliseconds. */
  messageDelayMs: z.int().min(0).default(0),
  /** Before each node come messages of unknown types, and progress, a picture, a text and the end of another prompt. */
  foreignMessages: z.boolean().default(false),
  /** Every `progress_state` has this many further nodes, as if they had been made at run time. */
  extraNodes: z.int().min(0).max(100_000).default(0),
  /** GET /ws is refused with this status. */
  refuseSocket: status.nullable().default(null),
  /** GET /view answers with this status. */
  viewStatus: status.nullable().default(null),
  /** GET /view announces the full length, sends half of the file and closes. */
  truncateView: times.default(false),
  /** GET /view sends random bytes instead of the file. */
  garbageView: times.default(false),
  /** Prompts end as success with no outputs at all. */
  noOutputs: z.boolean().default(false),
  /** Prompts name their files, but the files are not there. */
  missingFiles: z.boolean().default(false),
  /** Save nodes count from 1 again and overwrite earlier files, so a name stands for other bytes than before. */
  reuseNames: z.boolean().default(false),
  /** The outputs in history contain a bare NaN, which is no JSON. */
  nanInHistory: z.boolean().default(false),
  /**
   * A node raises: an ordinary exception, the GPU out of memory, or an interrupt, with which it stops the run as if
   * somebody else had. `node` is an id or a class; absent means any.
   */
  nodeError: z
    .strictObject({
      kind: z.enum(['exception', 'oom', 'interrupt']).default('exception'),
      node: z.string().optional(),
      message: z.string().optional(),
      times: z.int().min(0).optional(),
    })
    .nullable()
    .default(null),
  /** Before the end comes an `execution_error` about a blocked input, of a prompt that then succeeds. */
  blockedInput: z.boolean().default(false),
  /** Prompts end with the error of a cycle that arose while they ran, though history calls them a success. */
  lateCycle: z.boolean().default(false),
  /** GET /history answers as if nothing had ended, and a finished job is not found. */
  hideHistory: times.default(false),
  /** GET /history and the records of finished jobs answer with this status. */
  historyStatus: status.nullable().default(null),
  /** Once a prompt ends, its history, its job record and the whole history answer 500 until its entry is deleted. */
  poisonHistory: times.default(false),
  /** History is cleared as soon as a prompt has ended. */
  clearHistory: times.default(false),
  /** The running prompt waits before its next node or sampler step until this is false. It can be interrupted. */
  hold: z.boolean().default(false),
  /** As `hold`, but only at this node: an id or a class. */
  holdAt: z.string().nullable().default(null),
  /** The worker is dead: a running prompt never ends and an interrupt has no effect. */
  deadWorker: z.boolean().default(false),
  /** The worker has died between two prompts: nothing is taken from the queue until a restart. */
  deadBetween: z.boolean().default(false),
  /** Restarts once: after a prompt was accepted, when its first node starts, or as soon as it has ended. */
  restartWhen: z.enum(['accepted', 'running', 'ended']).nullable().default(null),
});

export type Faults = z.infer<typeof faultSchema>;

/**
 * A change of faults. `reset` switches all others off. `closeSockets` breaks every socket now (clients see 1006).
 * `restart` stops answering for this many milliseconds and then continues with its files and nothing else.
 */
export const faultPatchSchema = z.strictObject({
  ...z.strictObject(withoutDefaults()).partial().shape,
  reset: z.boolean().optional(),
  closeSockets: z.boolean().optional(),
  restart: z.int().min(0).max(3_600_000).optional(),
});
export type FaultPatch = z.input<typeof faultPatchSchema>;

type Counted = { [K in keyof Faults]: Faults[K] extends boolean | number ? K : never }[keyof Faults];

export interface FaultHandle {
  /** The faults as they are. Fields may be set directly; `set` also checks them. */
  readonly current: Faults;
  /** Changes the named faults, leaves the others. @throws ZodError on unknown names or bad values. */
  set(patch: FaultPatch): void;
  reset(): void;
  /** Whether a fault strikes now. One that was set for a number of times then strikes once less. */
  strikes(name: Counted): boolean;
  /** Resolves at the next change. */
  changed(signal?: AbortSignal): Promise<void>;
}

/** @param actions what `closeSockets` and `restart` do. */
export function createFaults(actions: { closeSockets(): void; restart(ms: number): void }): FaultHandle {
  const waiting = new Set<() => void>();
  const plain = faultSchema.parse({});
  const notify = (): void => {
    for (const wake of [...waiting]) wake();
  };
  // A direct assignment also resolves `changed`.
  const current = new Proxy(plain, {
    set(target, key, value) {
      const done = Reflect.set(target, key, value);
      notify();
      return done;
    },
  });

  const reset = (): void => void Object.assign(current, faultSchema.parse({}));
  return {
    current,
    set(patch) {
      const { reset: all, closeSockets: close, restart, ...fields } = faultPatchSchema.parse(patch);
      if (all) reset();
      Object.assign(current, Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)));
      if (close) actions.closeSockets();
      if (restart !== undefined) actions.restart(restart);
    },
    reset,
    strikes(name) {
      const value: unknown = plain[name];
      if (typeof value !== 'number') return value === true;
      if (value <= 0) return false;
      Object.assign(current, { [name]: value - 1 });
      return true;
    },
    changed(signal) {
      return new Promise((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        waiting.add(wake);
        signal?.addEventListener('abort', wake, { once: true });
      });
    },
  };
}

/** The fields of the schema without their defaults, since a patch leaves what it does not name as it is. */
function withoutDefaults(): {
  [K in keyof typeof faultSchema.shape]: ReturnType<(typeof faultSchema.shape)[K]['unwrap']>;
} {
  const shape = Object.entries(faultSchema.shape).map(([name, field]) => [name, field.unwrap()]);
  return Object.fromEntries(shape);
}

/**
 * Reads a fault as a person types it, `name` or `name=value`. The value is JSON or plain text; without one it is true.
 * @throws Error that lists the faults.
 */
export function parseFault(text: string): FaultPatch {
  const [, name = '', , value] = /^([^=]*)(=(.*))?$/s.exec(text) ?? [];
  const patch = faultPatchSchema.safeParse({ [name]: value === undefined ? true : jsonOrText(value) });
  if (patch.success) return patch.data;
  const names = Object.keys(faultPatchSchema.shape);
  if (!names.includes(name))
    throw new Error(`there is no fault ${JSON.stringify(name)}; there are ${names.join(', ')}`);
  throw new Error(`${name}: ${patch.error.issues.map(({ message }) => message).join('; ')}`);
}

function jsonOrText(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
