import { isIPv6 } from 'node:net';

const MAX_LENGTH = 500;
/** Of the line: what is replaced makes it shorter. More would only cost time. */
const MAX_READ = 2_000;

type Replacement = string | ((found: string, ...groups: string[]) => string);

/** What a mail address does not end with, but the name of a model or a picture may. */
const FILE = 'safetensors|sft|ckpt|pth?|bin|gguf|onnx|png|jpe?g|webp|gif|mp4|webm|wav|mp3|json|ya?ml|txt|py|zip';

const SECRET_NAME = '(?:[\\w-]{0,32}(?:api[_-]?key|secret|token|passw(?:or)?d))';
const VALUE = '[^\\s\'",;&)}\\]]{6,}';

/** What must not be shown, in the order in which it is looked for. */
const SECRETS: [RegExp, Replacement][] = [
  // Keys that say by their first letters whose they are: OpenAI, AWS, Google, Hugging Face, GitHub, GitLab, Slack, JWT.
  [/(?<![\w-])(?:sk|pk|rk)[-_](?=[\w-]*\d)[\w-]{16,}/g, '[secret]'],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b/g, '[secret]'],
  [/\b(?:AIza|hf_|gh[opsur]_|github_pat_|glpat-|r8_|xox[a-z]-)[\w-]{16,}/g, '[secret]'],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g, '[secret]'],
  [/\b(bearer\s+)(?=[\w.~+/-]*\d)[\w.~+/-]{12,}=*/gi, '$1[secret]'],
  [/\b(basic\s+)([A-Za-z0-9+/]{4,}={0,2})(?![\w+/=])/gi, basicCredentials],
  // As code and addresses write them, `api_key='…'` or `token=…`, but not `token=None`.
  [
    new RegExp(`\\b(${SECRET_NAME}['"]?(?:\\s*[:=]\\s*['"]|=))(?!(?:None|null|True|False)\\b)${VALUE}`, 'gi'),
    '$1[secret]',
  ],
  // Paths in quotes may have spaces.
  [/(['"`])(?:~?\/|[A-Za-z]:[\\/]|\\\\)[^'"`\n]*\1/g, '$1[path]$1'],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s'"`<>)\]]+/gi, '[address]'],
  [
    new RegExp(
      `(?<![\\w.%+-])[\\w.%+-]{1,64}@[a-z][a-z0-9-]*(?:\\.[a-z0-9-]+)*\\.(?!(?:${FILE})\\b)[a-z]{2,}\\b`,
      'gi',
    ),
    '[mail]',
  ],
  [/\[([0-9a-f:.]*:[0-9a-f:.]+(?:%\w+)?)\](?::\d+)?/gi, ipv6Address],
  [
    /(?<![\w:.])([0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:(?:\d{1,3}\.){3}\d{1,3})?(?:%\w+)?)(?![\w:]|\.\d)/gi,
    ipv6Address,
  ],
  [/(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?(?![\w.]*\w)/g, '[address]'],
  [/\blocalhost(?::\d+)?/gi, '[address]'],
  // A host with its port, but not a line of a source file.
  [/\b[\w-]+(?:\.[\w-]+)*\.(?!(?:cpp|cc|cu|c|h|hpp|py|rs|js|ts):)[\w-]+:\d{2,5}\b/g, '[address]'],
  [/(?<![\w.])~?(?:\/[\w.@+~%-]+)+\/?/g, '[path]'],
  [/\b[A-Za-z]:\\[^\s'"`]*/g, '[path]'],
  [/\\\\[^\s'"`]+/g, '[path]'],
];

/** Credentials of HTTP's Basic scheme are `name:password` in base64; `Basic settings` are words. */
function basicCredentials(found: string, scheme = '', encoded = ''): string {
  return /^[\x20-\x7e]*:[\x20-\x7e]*$/.test(Buffer.from(encoded, 'base64').toString('latin1'))
    ? `${scheme}[secret]`
    : found;
}

/** Times, and Python's slices such as `[1::2]`, have no group of three digits or more. */
function ipv6Address(found: string, address = ''): string {
  const [bare = ''] = address.split('%', 1);
  return isIPv6(bare) && (bare === '::1' || /[0-9a-f]{3}/i.test(bare)) ? '[address]' : found;
}

/**
 * The first line that says something, without credentials, addresses, absolute paths and control characters, of at most
 * 500 characters.
 */
export function scrub(text: string): string {
  const line = text.split(/[\r\n]+/).find((each) => each.trim() !== '' && !/^\s*Traceback\b/.test(each)) ?? '';
  const clean = SECRETS.reduce((rest, [secret, instead]) => replaced(rest, secret, instead), line.slice(0, MAX_READ));
  const printable = clean.replace(/\p{Cc}+/gu, ' ').trim();
  return printable.length <= MAX_LENGTH ? printable : `${printable.slice(0, MAX_LENGTH - 1)}…`;
}

function replaced(text: string, secret: RegExp, instead: Replacement): string {
  return typeof instead === 'string' ? text.replace(secret, instead) : text.replace(secret, instead);
}

/** What a log may say of an error: its name and message, not its causes, whose messages hold addresses. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? `${cause.name}: ${scrub(cause.message)}` : scrub(String(cause));
}
