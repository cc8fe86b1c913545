import type { Connection } from './connection.ts';

/** What the links of other clients need: what `createComfy` gives. */
export interface Connected {
  connection: Pick<Connection, 'url' | 'socket' | 'fetch' | 'onResume'>;
}
