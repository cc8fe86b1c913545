// A process that floods a gateway, so that the one that measures has its time for itself. Arguments: the port, how many
// sockets, and the frame as base64.
import { flood, openRaw } from './flood.ts';

const [port, sockets, frame = ''] = process.argv.slice(2);
const never = new AbortController().signal;
const bytes = Buffer.from(frame, 'base64');
for (let i = 0; i < Number(sockets); i++) {
  const socket = await openRaw(Number(port), '127.0.0.2');
  socket.resume();
  void flood(socket, bytes, never);
}
console.log('flooding');
