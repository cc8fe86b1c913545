import type { ApiKey } from '../callers/key-store.ts';
import type { ListedKey, MadeKey, ShownKey } from '../callers/keys.ts';
import { textTable } from './text-table.ts';

/** A key as JSON. */
export function keyDocument({ scopes, createdAt, expiresAt, revokedAt, lastUsedAt, ...key }: ListedKey) {
  return {
    ...key,
    scopes,
    createdAt: timeOf(createdAt),
    expiresAt: timeOf(expiresAt),
    revokedAt: timeOf(revokedAt),
    lastUsedAt: timeOf(lastUsedAt),
  };
}

export function madeDocument({ text, signingSecret, key }: MadeKey): string {
  const secrets = signingSecret === null ? { key: text } : { key: text, signingSecret };
  return `${JSON.stringify({ ...secrets, ...keyDocument(key) }, null, 2)}\n`;
}

/** A key for a person. */
export function describeKey(key: ListedKey): string {
  const lines: [string, string][] = [
    ['id', key.id],
    ['state', stateLine(key)],
    ['caller', key.caller],
    ['name', key.name],
    ['plan', key.plan],
    ['scopes', key.scopes.join(' ') || 'none'],
    ['created', timeOf(key.createdAt) ?? ''],
    ['expires', timeOf(key.expiresAt) ?? 'never'],
    ['last used', timeOf(key.lastUsedAt) ?? 'never'],
    ...(key.signed
      ? [['signed', 'requests are signed with it; it is not sent itself'] satisfies [string, string]]
      : []),
  ];
  return lines.map(([name, value]) => `${name.padEnd(10)}${value}\n`).join('');
}

export function keyTable(keys: readonly ListedKey[]): string {
  if (keys.length === 0) return 'There are no such keys: make one with `comfygate keys create --caller ID`.\n';
  return textTable([
    ['ID', 'STATE', 'CALLER', 'PLAN', 'EXPIRES', 'LAST USED', 'NAME', 'SCOPES'],
    ...keys.map((key) => [
      ...[key.id, key.state, key.caller, key.plan, endText(key), timeOf(key.lastUsedAt) ?? 'never', key.name],
      key.scopes.join(' '),
    ]),
  ]);
}

/** What is wrong with a text that was to be a key, and what to do next. */
export function whyNoKey(shown: Exclude<ShownKey, { is: 'key' }>): string {
  switch (shown.is) {
    case 'none':
      return 'expected the id of a key, 12 letters and digits, or a whole key, which begins with cg_';
    case 'typo':
      return 'this is no key, or one with a typo or a part missing: its checksum is wrong; copy it again';
    case 'other':
      return `the key ${shown.id} is another one: this was never given out here, look for where it came from`;
    case 'unknown':
      return (
        `there is no key ${shown.id}: it is of another installation, or ended more than 30 days ago; ` +
        'see `comfygate keys list --all`'
      );
  }
}

function stateLine(key: ListedKey): string {
  switch (key.state) {
    case 'revoked':
      return `revoked since ${timeOf(key.revokedAt)}: make another with \`comfygate keys create\``;
    case 'expired':
      return `expired since ${timeOf(key.expiresAt)}: make another with \`comfygate keys create\``;
    case 'ending':
      return `rotated: it ends at ${timeOf(key.revokedAt)}, use the one that took its place`;
    case 'active':
      return 'active';
  }
}

const endText = ({ revokedAt, expiresAt }: ApiKey) => timeOf(revokedAt ?? expiresAt) ?? 'never';

const timeOf = (at: number | null) => (at === null ? null : new Date(at).toISOString());
