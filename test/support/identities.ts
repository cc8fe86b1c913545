import { anonymous, type Identity } from '../../src/callers/identity.ts';

/** A caller that may do all, but for `changes`. */
export const callerNamed = (caller: string, changes: Partial<Identity> = {}): Identity => ({
  ...anonymous,
  caller,
  name: caller,
  ...changes,
});
