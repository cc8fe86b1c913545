import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Listens on a free port of 127.0.0.1, prints the line that the bench waits for, and ends when its parent ends. */
export function listening(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    // The address of a TCP server always has this form.
    const { port } = server.address() as AddressInfo;
    process.stdout.write(`ready http://127.0.0.1:${port}/graphql\n`);
  });
  process.once('disconnect', () => process.exit(0));
}
