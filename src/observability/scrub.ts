/** Stands for a secret of any length. */
const MASKED = '[masked]';

/** Names of fields and parameters whose values are nobody's business, in whatever spelling. */
const SECRET_NAME =
  '(?:authorization|cookie|password|passwd|secret|token|api[-_]?key|access[-_]?key|idempotency[-_]?key|credential|signature)';

const RULES: [pattern: RegExp, replacement: string][] = [
  // Fields of JSON, at any depth: strings, and lists of them.
  [new RegExp(`("[\\w.-]*${SECRET_NAME}[\\w.-]*":)(?:"(?:[^"\\\\]|\\\\.)*"|\\[[^\\]]*\\])`, 'gi'), `$1"${MASKED}"`],
  // redis://user:password@host, also where the password holds an @.
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s"\\/:@]*):[^\s"\\/]*@/gi, `$1:${MASKED}@`],
  // What signs an address is its query.
  [/(\bhttps?:\/\/[^\s"\\?#]+)\?[^\s"\\]*/gi, `$1?${MASKED}`],
  [/(\/(?:artifacts|variants|uploads)\/[^\s"\\?#]+)\?[^\s"\\]*/gi, `$1?${MASKED}`],
  [new RegExp(`([?&][\\w-]*${SECRET_NAME}[\\w-]*=)[^&\\s"\\\\]+`, 'gi'), `$1${MASKED}`],
  // Headers within a text.
  [/\b(Bearer|Basic|AWS4-HMAC-SHA256)\s+[^\s"\\][^"\\]*/gi, `$1 ${MASKED}`],
  [/\b((?:set-)?cookie|(?:x-)?api-key|authorization)(\s*[:=]\s*)[^\s"\\][^"\\]*/gi, `$1$2${MASKED}`],
];

/** Shorter ones are found by their place alone: masking them wherever they stand would mask words. */
const SHORTEST = 8;

/**
 * Masks what may be secret in a line of JSON: by what it is called, by where it stands in an address or a header, and the
 * installation's own secrets wherever they turn up.
 */
export function createScrub(secrets: readonly string[]): (line: string) => string {
  const own = secrets
    .filter((secret) => secret.length >= SHORTEST)
    .flatMap((secret) => [JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
  return (line) => {
    let text = line;
    for (const secret of own) text = text.replaceAll(secret, MASKED);
    for (const [pattern, replacement] of RULES) text = text.replace(pattern, replacement);
    return text;
  };
}
