const MAX_LENGTH = 500;

/** What must not be shown, in the order in which it is looked for. */
const SECRETS: [RegExp, string][] = [
  // Paths in quotes may have spaces.
  [/(['"`])(?:~?\/|[A-Za-z]:[\\/]|\\\\)[^'"`\n]*\1/g, '$1[path]$1'],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s'"`<>)\]]+/gi, '[address]'],
  [/(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?(?![\w.]*\w)/g, '[address]'],
  [/\[[0-9a-f]*:[0-9a-f:.]+\](?::\d+)?/gi, '[address]'],
  [/\blocalhost(?::\d+)?/gi, '[address]'],
  // A host with its port, but not a line of a source file.
  [/\b[\w-]+(?:\.[\w-]+)*\.(?!(?:cpp|cc|cu|c|h|hpp|py|rs|js|ts):)[\w-]+:\d{2,5}\b/g, '[address]'],
  [/(?<![\w.])~?(?:\/[\w.@+~%-]+)+\/?/g, '[path]'],
  [/\b[A-Za-z]:\\[^\s'"`]*/g, '[path]'],
  [/\\\\[^\s'"`]+/g, '[path]'],
];

/**
 * The first line that says something, without addresses, absolute paths and control characters, of at most 500
 * characters.
 */
export function scrub(text: string): string {
  const line = text.split(/[\r\n]+/).find((each) => each.trim() !== '' && !/^\s*Traceback\b/.test(each)) ?? '';
  const clean = SECRETS.reduce((rest, [secret, instead]) => rest.replace(secret, instead), line.slice(0, 10_000));
  const printable = clean.replace(/\p{Cc}+/gu, ' ').trim();
  return printable.length <= MAX_LENGTH ? printable : `${printable.slice(0, MAX_LENGTH - 1)}…`;
}

/** What a log may say of an error: its name and message, not its causes, whose messages hold addresses. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? `${cause.name}: ${scrub(cause.message)}` : scrub(String(cause));
}
