import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Listens on a free port of loopback, says so in the one line that the bench waits for, and ends with its parent. */
export function listening(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    // A server on a host and port has an address of this form.
    const { port } = server.address() as AddressInfo;
    process.stdout.write(`ready http://127.0.0.1:${port}/graphql\n`);
  });
  process.once('disconnect', () => process.exit(0));
}
