/** The first that interrupts by prompt id: an older one would stop whatever runs. */
export const OLDEST_SUPPORTED = '0.3.57';

/**
 * Whether this is a ComfyUI that can be driven. One that does not name its version is too old; an unusual version is
 * trusted.
 */
export function isSupported(version: string | null): boolean {
  if (version === null) return false;
  const parts = /^v?(\d+)\.(\d+)(?:\.(\d+))?/
    .exec(version)
    ?.slice(1)
    .map((part) => Number(part ?? 0));
  if (!parts) return true;
  const oldest = OLDEST_SUPPORTED.split('.').map(Number);
  for (const [index, least] of oldest.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}
