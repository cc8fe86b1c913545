/** The first that interrupts by prompt id: an older one would stop whatever runs. */
export const OLDEST_SUPPORTED = '0.3.57';

/** The first that refuses what a list among the options (`["COMBO", {"options": […]}]`) does not have. */
const CHECKS_LISTS_IN_OPTIONS = '0.8.0';

/**
 * Whether this is a ComfyUI that can be driven. One that does not name its version is too old; an unusual version is
 * trusted.
 */
export function isSupported(version: string | null): boolean {
  return isAtLeast(version, OLDEST_SUPPORTED);
}

export function checksListsInOptions(version: string | null): boolean {
  return isAtLeast(version, CHECKS_LISTS_IN_OPTIONS);
}

function isAtLeast(version: string | null, oldest: string): boolean {
  if (version === null) return false;
  const parts = /^v?(\d+)\.(\d+)(?:\.(\d+))?/
    .exec(version)
    ?.slice(1)
    .map((part) => Number(part ?? 0));
  if (!parts) return true;
  for (const [index, least] of oldest.split('.').map(Number).entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}
