import { userInfo } from 'node:os';

/** Who runs this command on this machine, for the audit log; in a container the user may have no name. */
export function operatorName(): string {
  try {
    return `operator:${userInfo().username.replace(/[^\w.-]/g, '-')}`;
  } catch {
    return `operator:${process.getuid?.() ?? 'unknown'}`;
  }
}
