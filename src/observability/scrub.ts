/** Replaces a secret of any length. */
const MASKED = '[masked]';

/** Names of fields and parameters whose values are secret, in any spelling. */
const SECRET_NAME =
  '(?:authorization|cookie|password|passwd|secret|token|credential|signature|' +
  'api[-_]?key|access[-_]?key|idempotency[-_]?key)';

/** The credential in a header. It has a digit, a sign or letters of both cases, which tells it from a word of prose. */
const CREDENTIAL = '(?=[\\w.~+/-]*(?:\\d|[_.~+/-]\\w|[a-z][A-Z]|=))[\\w.~+/-]+=*';

const RULES: [pattern: RegExp, replacement: string][] = [
  // Fields of JSON at any depth, whose values are strings or lists of strings.
  [new RegExp(`("[\\w.-]*${SECRET_NAME}[\\w.-]*":)(?:"(?:[^"\\\\]|\\\\.)*"|\\[[^\\]]*\\])`, 'gi'), `$1"${MASKED}"`],
  // Fields of JSON that is itself text within the line.
  [
    new RegExp(
      `(\\\\"[\\w.-]*${SECRET_NAME}[\\w.-]*\\\\"\\s*:\\s*\\\\")(?:[^"\\\\]|\\\\\\\\(?:\\\\["\\\\]|[^"\\\\]))*`,
      'gi',
    ),
    `$1${MASKED}`,
  ],
  // redis://user:password@host, also where the password contains an @.
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s"\\/:@]*):[^\s"\\/]*@/gi, `$1:${MASKED}@`],
  // The signature of a signed URL is in its query.
  [/(\bhttps?:\/\/[^\s"\\?#]+)\?[^\s"\\]*/gi, `$1?${MASKED}`],
  [/(\/(?:artifacts|variants|uploads)\/[^\s"\\?#]+)\?[^\s"\\]*/gi, `$1?${MASKED}`],
  [new RegExp(`([?&][\\w-]*${SECRET_NAME}[\\w-]*=)[^&\\s"\\\\]+`, 'gi'), `$1${MASKED}`],
  // Headers within text.
  [new RegExp(`\\b([Bb]earer|BEARER|[Bb]asic|BASIC)\\s+${CREDENTIAL}`, 'g'), `$1 ${MASKED}`],
  [/\b(AWS4-HMAC-SHA256)\s+[^\s"\\][^"\\]*/gi, `$1 ${MASKED}`],
  [/\b((?:set-)?cookie|(?:x-)?api-key|authorization)(\s*[:=]\s*)[^\s"\\][^"\\]*/gi, `$1$2${MASKED}`],
  // API keys, whose id is none, watch tokens and JWTs.
  [/\b(cg_[0-9A-Za-z]{12}_)[0-9A-Za-z]{16,}(?:_[0-9A-Za-z]*)?/g, `$1${MASKED}`],
  [/\bcgw_[\w-]{8,}(?:\.[\w-]*)?/g, MASKED],
  [/\beyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)?/g, MASKED],
  // password=x, token: x
  [new RegExp(`(${SECRET_NAME}\\s*[:=]\\s*)[^\\s"'\\\\,;&]+`, 'gi'), `$1${MASKED}`],
];

/** Shorter secrets are masked only where RULES finds them: masking them everywhere would mask ordinary words. */
const SHORTEST = 8;

/** Masks the secrets in a line of JSON or plain text. */
export interface Scrub {
  (line: string): string;
  /** Adds a secret that became known after the start. */
  hide(secret: string): void;
}

/**
 * Masks what may be secret in a line: values with a telling name, passwords and signatures in addresses and headers,
 * and the installation's own `secrets` wherever they appear.
 */
export function createScrub(secrets: readonly string[] = []): Scrub {
  const own: string[] = [];
  const hide = (secret: string) => {
    if (secret.length < SHORTEST) return;
    own.push(...new Set([secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]));
    // Longest first, since one secret may contain another.
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
