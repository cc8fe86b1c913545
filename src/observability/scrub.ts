/** Stands for a secret of any length. */
const MASKED = '[masked]';

/** Names of fields and parameters whose values are nobody's business, in whatever spelling. */
const SECRET_NAME =
  '(?:authorization|cookie|password|passwd|secret|token|api[-_]?key|access[-_]?key|idempotency[-_]?key|credential|signature)';

/** Of a header: with a digit, a sign or letters of both cases in it, which a word of prose has not. */
const CREDENTIAL = '(?=[\\w.~+/-]*(?:\\d|[_.~+/-]\\w|[a-z][A-Z]|=))[\\w.~+/-]+=*';

const RULES: [pattern: RegExp, replacement: string][] = [
  // Fields of JSON, at any depth: strings, and lists of them.
  [new RegExp(`("[\\w.-]*${SECRET_NAME}[\\w.-]*":)(?:"(?:[^"\\\\]|\\\\.)*"|\\[[^\\]]*\\])`, 'gi'), `$1"${MASKED}"`],
  // The same of JSON within a text.
  [
    new RegExp(
      `(\\\\"[\\w.-]*${SECRET_NAME}[\\w.-]*\\\\"\\s*:\\s*\\\\")(?:[^"\\\\]|\\\\\\\\(?:\\\\["\\\\]|[^"\\\\]))*`,
      'gi',
    ),
    `$1${MASKED}`,
  ],
  // redis://user:password@host, also where the password holds an @.
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s"\\/:@]*):[^\s"\\/]*@/gi, `$1:${MASKED}@`],
  // What signs an address is its query.
  [/(\bhttps?:\/\/[^\s"\\?#]+)\?[^\s"\\]*/gi, `$1?${MASKED}`],
  [/(\/(?:artifacts|variants|uploads)\/[^\s"\\?#]+)\?[^\s"\\]*/gi, `$1?${MASKED}`],
  [new RegExp(`([?&][\\w-]*${SECRET_NAME}[\\w-]*=)[^&\\s"\\\\]+`, 'gi'), `$1${MASKED}`],
  // Headers within a text.
  [new RegExp(`\\b([Bb]earer|BEARER|[Bb]asic|BASIC)\\s+${CREDENTIAL}`, 'g'), `$1 ${MASKED}`],
  [/\b(AWS4-HMAC-SHA256)\s+[^\s"\\][^"\\]*/gi, `$1 ${MASKED}`],
  [/\b((?:set-)?cookie|(?:x-)?api-key|authorization)(\s*[:=]\s*)[^\s"\\][^"\\]*/gi, `$1$2${MASKED}`],
  // password=x, token: x
  [new RegExp(`(${SECRET_NAME}\\s*[:=]\\s*)[^\\s"'\\\\,;&]+`, 'gi'), `$1${MASKED}`],
];

/** Shorter ones are found by their place alone: masking them wherever they stand would mask words. */
const SHORTEST = 8;

/** Masks a line of JSON, or a plain text. */
export interface Scrub {
  (line: string): string;
  /** A secret that has turned up only now. */
  hide(secret: string): void;
}

/**
 * Masks what may be secret in a line: by what it is called, by where it stands in an address or a header, and the installation's
 * own secrets wherever they turn up.
 */
export function createScrub(secrets: readonly string[] = []): Scrub {
  const own: string[] = [];
  const hide = (secret: string) => {
    if (secret.length < SHORTEST) return;
    own.push(...new Set([secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]));
    // One may hold another.
    own.sort((a, b) => b.length - a.length);
  };
  for (const secret of secrets) hide(secret);
  const scrub = (line: string) => {
    let text = line;
    for (const secret of own) text = text.replaceAll(secret, MASKED);
    for (const [pattern, replacement] of RULES) text = text.replace(pattern, replacement);
    return text;
  };
  return Object.assign(scrub, { hide });
}
