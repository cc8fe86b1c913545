import { userInfo } from 'node:os';

/** The user who runs this command, for the audit log. In a container the user may have no name, so its id is used. */
export function operatorName(): string {
  try {
    return `operator:${userInfo().username.replace(/[^\w.-]/g, '-')}`;
  } catch {
    return `operator:${process.getuid?.() ?? 'unknown'}`;
  }
}
