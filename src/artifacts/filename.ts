/** Most file systems end a name at 255 bytes; browsers add ` (1)` and the like. */
const MAX_BYTES = 200;

/**
 * Quotes and separators of headers, shells and file systems; all controls; what reorders or hides text (bidi,
 * format).
 */
const UNSAFE = /["'`<>:;|?*%\\/]|[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/**
 * A name that is safe to show, to save under and to put in a header: the last part of a path, any script, no quotes,
 * line ends, slashes, control or bidi characters, no dots at either end, at most 200 bytes in UTF-8 with its extension
 * kept. `fallback` when nothing is left.
 */
export function safeFilename(name: string, fallback = 'artifact'): string {
  const base = name.split(/[\\/]/).at(-1) ?? '';
  const clean = base
    .toWellFormed()
    .normalize('NFC')
    .replace(UNSAFE, '_')
    .replace(/\s+/g, ' ')
    .replace(/^[\s.]+|[\s.]+$/g, '');
  if (!/[\p{L}\p{N}]/u.test(clean)) return fallback;
  return bounded(clean);
}

function bounded(name: string): string {
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? '';
  const room = MAX_BYTES - extension.length;
  let stem = '';
  let bytes = 0;
  for (const character of name.slice(0, name.length - extension.length)) {
    bytes += Buffer.byteLength(character);
    if (bytes > room) break;
    stem += character;
  }
  return stem.trimEnd() + extension;
}
