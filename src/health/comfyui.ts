import type { SeenBackend } from '../backends/backends.ts';
import type { CheckAnswer } from './checks.ts';

type Standing = Pick<SeenBackend, 'name' | 'status' | 'message'>;

/** How well the servers together serve. */
export function judgeComfyui(seen: readonly Standing[]): CheckAnswer {
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
 * Since when that is so: DEGRADED since the first that is down now went, or the first that is reached came back; otherwise since
 * the last of them changed. Null where none is known.
 */
export function comfyuiSince(seen: readonly Pick<SeenBackend, 'status' | 'since'>[]): number | null {
  const down = seen.filter(({ status }) => status === 'DOWN').map(({ since }) => since);
  const reached = seen.filter(({ status }) => status !== 'DOWN').map(({ since }) => since);
  if (seen.length === 0) return null;
  if (down.length === 0 || reached.length === 0) return Math.max(...down, ...reached);
  return Math.max(Math.min(...down), Math.min(...reached));
}
