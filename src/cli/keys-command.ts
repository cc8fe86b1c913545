import { Command, InvalidArgumentError } from 'commander';
import type { KeySession } from '../app/open-key-operator.ts';
import { isApiKeyId, parseApiKey } from '../callers/api-key.ts';
import type { Scope } from '../callers/identity.ts';
import { type KeyOperator, overlaps } from '../callers/keys.ts';
import { EXPECTED_CALLER, EXPECTED_PLAN, isCallerId, isPlanName } from '../callers/names.ts';
import { defaultScopes, EXPECTED_SCOPE, isScope } from '../callers/scopes.ts';
import { ConfigError } from '../config/config.ts';
import { GatewayError } from '../core/errors.ts';
import { describeKey, keyDocument, keyTable, madeDocument, whyNoKey } from './show-key.ts';
import { parseDuration } from './since.ts';

export interface KeysCommandOptions {
  /** Connects to the installation. Its errors are shown to the person at the terminal. */
  open(): Promise<KeySession>;
  write(text: string): void;
  /** Prints what is not a result to another stream, so that stdout holds only the key, or JSON with `--json`. */
  note(text: string): void;
  /** Whether an error means that Redis stopped answering. */
  isUnreachable(error: unknown): boolean;
}

interface CreateOptions {
  caller: string;
  name?: string;
  plan: string;
  scope?: Scope[];
  expires?: number;
  signed?: boolean;
  json?: boolean;
}

const TEN_YEARS_MS = 3_650 * 86_400_000;
const MAX_NAME_LENGTH = 100;

/** `comfygate keys`: makes, lists, shows, rotates and revokes API keys. Exits with 1 when something goes wrong. */
export function createKeysCommand(options: KeysCommandOptions): Command {
  const { write, note } = options;
  const keys = new Command('keys')
    .description('the API keys of callers: make one, list them, look into one, rotate or revoke it')
    .addHelpText(
      'after',
      '\nIt talks to the Redis of REDIS_URL, or to that of an `npm start` on DATA_DIR; give it the environment of a ' +
        'gateway.\nGateways take keys where AUTH has `keys`, and know of each change within a second.',
    );

  keys
    .command('create')
    .description('make a key and print it: it is shown once, and kept nowhere')
    .requiredOption('--caller <id>', 'whose jobs it makes; keys of one caller see the same jobs', parseCaller)
    .option('--name <text>', 'what it is for', parseName)
    .option('--plan <name>', 'the plan that limits its caller', parsePlan, 'free')
    .option('--scope <scope>', `what it may do: ${EXPECTED_SCOPE}; repeatable`, collectScopes)
    .option('--expires <time>', 'when it ends, such as 12h or 90d; default never', parseLife)
    .option('--signed', 'requests are signed with it, and it is not sent itself')
    .option('--json', 'print it as JSON, with all that is known of it')
    .addHelpText(
      'after',
      `
Without --scope: ${defaultScopes.join(', ')}.

Examples:
  $ comfygate keys create --caller acme --plan pro --name "render farm"
  $ comfygate keys create --caller shop --scope job:read --scope job:write --scope workflow:textToImage --expires 90d`,
    )
    .action((given: CreateOptions, command: Command) =>
      within(command, async (operator) => {
        const { caller, name = caller, plan, scope: scopes = defaultScopes, expires = null, signed = false } = given;
        const made = await operator.create({ caller, name, plan, scopes, lifeMs: expires, signed });
        if (given.json) return write(madeDocument(made));
        write(`${made.text}\n`);
        note(`${describeKey(made.key)}This is shown once: keep it now, where only ${caller} can read it.\n`);
        if (made.signingSecret !== null) note(`Requests are signed with ${made.signingSecret}\n`);
      }),
    );

  keys
    .command('list')
    .description('print the keys that live, the latest first; never what they are made of')
    .option('--caller <id>', 'only those of this caller', parseCaller)
    .option('--all', 'also those that were revoked or have expired in the last 30 days')
    .option('--json', 'print them as JSON, one a line')
    .addHelpText('after', '\nExample:\n  $ comfygate keys list --caller acme')
    .action(({ caller, all, json }: { caller?: string; all?: boolean; json?: boolean }, command: Command) =>
      within(command, async (operator) => {
        const found = (await operator.list()).filter(
          (key) =>
            (caller === undefined || key.caller === caller) &&
            (all || key.state === 'active' || key.state === 'ending'),
        );
        if (json) for (const key of found) write(`${JSON.stringify(keyDocument(key))}\n`);
        else write(keyTable(found));
      }),
    );

  keys
    .command('show')
    .description('print what is known of a key; of a whole key it says what is wrong with it')
    .argument('<id or key>', 'its id, the 12 characters behind cg_, or the whole key')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExample:\n  $ comfygate keys show 4fJq0aZk81Lm')
    .action((text: string, { json }: { json?: boolean }, command: Command) =>
      within(command, async (operator) => {
        const shown = await operator.show(text);
        if (shown.is !== 'key') return command.error(`error: ${whyNoKey(shown)}`, { exitCode: 1 });
        write(json ? `${JSON.stringify(keyDocument(shown.key), null, 2)}\n` : describeKey(shown.key));
      }),
    );

  keys
    .command('rotate')
    .description('make a key with the same rights; the other one lives on for a while')
    .argument('<id or key>', 'the key that is to be replaced', parseKey)
    .option(
      '--overlap <time>',
      `how long both live: ${Object.keys(overlaps).join(', ')}`,
      parseOverlap,
      overlaps['24h'],
    )
    .option('--expires <time>', 'when the new one ends; default as long a life as the other was given', parseLife)
    .option('--json', 'print it as JSON, with all that is known of it')
    .addHelpText(
      'after',
      '\nGive the new key to its caller within the overlap, then see by LAST USED of `keys list` that it is in use.\n' +
        '\nExample:\n  $ comfygate keys rotate 4fJq0aZk81Lm --overlap 7d',
    )
    .action((id: string, given: { overlap: number; expires?: number; json?: boolean }, command: Command) =>
      within(command, async (operator) => {
        const made = await operator.rotate(id, { overlapMs: given.overlap, lifeMs: given.expires });
        if (given.json) return write(madeDocument(made));
        write(`${made.text}\n`);
        const until = given.overlap === 0 ? 'is revoked' : `lives until ${inTime(made.key.createdAt + given.overlap)}`;
        note(`${describeKey(made.key)}This is shown once. It takes the place of ${id}, which ${until}.\n`);
        if (made.signingSecret !== null) note(`Requests are signed with ${made.signingSecret}\n`);
      }),
    );

  keys
    .command('revoke')
    .description('end a key: no gateway takes it a second later, and what is open with it is closed')
    .argument('<id or key>', 'the key', parseKey)
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExample:\n  $ comfygate keys revoke 4fJq0aZk81Lm')
    .action((id: string, { json }: { json?: boolean }, command: Command) =>
      within(command, async (operator) => {
        const key = await operator.revoke(id);
        if (json) return write(`${JSON.stringify(keyDocument(key), null, 2)}\n`);
        const ended = key.state === 'expired' ? 'had expired before' : `is revoked since ${inTime(key.revokedAt ?? 0)}`;
        write(`${id} of ${key.caller} ${ended}.\n`);
      }),
    );

  async function within(command: Command, act: (operator: KeyOperator) => Promise<void>) {
    await using session = await options.open();
    try {
      await act(session.operator);
    } catch (error) {
      if (options.isUnreachable(error)) {
        command.error(
          'error: Redis does not answer any more: see by `comfygate keys list` what was done, then call this again',
          { exitCode: 1 },
        );
      }
      if (!(error instanceof GatewayError || error instanceof ConfigError)) throw error;
      const missing = error instanceof GatewayError && error.details.code === 'NOT_FOUND';
      const next = missing ? ': see `comfygate keys list --all` for those that there are' : '';
      command.error(`error: ${error.message}${next}`, { exitCode: 1 });
    }
  }

  return keys;
}

const inTime = (at: number) => new Date(at).toISOString();

function parseCaller(text: string): string {
  if (!isCallerId(text)) throw new InvalidArgumentError(`expected ${EXPECTED_CALLER}`);
  return text;
}

function parsePlan(text: string): string {
  if (!isPlanName(text)) throw new InvalidArgumentError(`expected ${EXPECTED_PLAN}`);
  return text;
}

function parseName(text: string): string {
  if (text.trim() === '' || text.length > MAX_NAME_LENGTH || /\p{Cc}/u.test(text)) {
    throw new InvalidArgumentError(`expected 1 to ${MAX_NAME_LENGTH} characters on one line`);
  }
  return text;
}

function collectScopes(text: string, earlier: Scope[] = []): Scope[] {
  if (!isScope(text)) throw new InvalidArgumentError(`expected ${EXPECTED_SCOPE}`);
  return [...new Set([...earlier, text])];
}

function parseLife(text: string): number {
  const lifeMs = parseDuration(text);
  if (lifeMs === null || lifeMs < 1_000 || lifeMs > TEN_YEARS_MS) {
    throw new InvalidArgumentError('expected 90s, 30m, 12h, 90d, or whatever else is at most 3650d');
  }
  return lifeMs;
}

function parseOverlap(text: string): number {
  const overlapMs = Object.hasOwn(overlaps, text) ? overlaps[text] : undefined;
  if (overlapMs === undefined) throw new InvalidArgumentError(`expected one of ${Object.keys(overlaps).join(', ')}`);
  return overlapMs;
}

function parseKey(text: string): string {
  if (isApiKeyId(text)) return text;
  const parsed = parseApiKey(text);
  if (parsed !== 'malformed') return parsed.id;
  throw new InvalidArgumentError(
    'expected the id of a key, its 12 characters behind cg_, or a whole key without a typo',
  );
}
