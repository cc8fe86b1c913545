import type { SeenBackend } from '../backends/backends.ts';
import type { CheckResult } from './checks.ts';

type Standing = Pick<SeenBackend, 'name' | 'status' | 'message'>;

/** The health of all servers together: UNHEALTHY when all are down, DEGRADED when some are down or none takes work. */
export function judgeComfyui(seen: readonly Standing[]): CheckResult {
  const down = seen.filter(({ status }) => status === 'DOWN');
  if (seen.length === 0) return { status: 'DEGRADED', message: 'no worker has reported a ComfyUI yet' };
  if (down.length > 0) {
    const named = down.map(({ name, message }) => (message ? `${name} (${message})` : name)).join(', ');
    return { status: down.length < seen.length ? 'DEGRADED' : 'UNHEALTHY', message: `down: ${named}` };
  }
  if (!seen.some(({ status }) => status === 'UP')) {
    return { status: 'DEGRADED', message: 'all that are up are draining: jobs wait' };
  }
  return { status: 'HEALTHY', message: null };
}

/**
 * Since when the status of `judgeComfyui` holds. When some servers are down and others are reached, it holds since both
 * were true: the later of the first failure and the first recovery. Otherwise it holds since the last server changed.
 * Null where no server is known.
 */
export function comfyuiSince(seen: readonly Pick<SeenBackend, 'status' | 'since'>[]): number | null {
  const down = seen.filter(({ status }) => status === 'DOWN').map(({ since }) => since);
  const reached = seen.filter(({ status }) => status !== 'DOWN').map(({ since }) => since);
  if (seen.length === 0) return null;
  if (down.length === 0 || reached.length === 0) return Math.max(...down, ...reached);
  return Math.max(Math.min(...down), Math.min(...reached));
}
