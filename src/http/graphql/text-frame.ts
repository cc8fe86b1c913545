/** FIN, and the opcode of text. */
const WHOLE_TEXT = 0x81;
/** Up to here a length is written into the second byte; up to 65,535 into two more, and else into eight. */
const SHORT = 125;

/**
 * The frame by which a server sends one message of text (RFC 6455, 5.2), in one buffer, which costs one small write to
 * the kernel. The message is `head`, `body` and `tail` one behind the other.
 */
export function textFrame(head: string, body: Buffer, tail: string): Buffer {
  const headBytes = Buffer.byteLength(head);
  const length = headBytes + body.length + Buffer.byteLength(tail);
  const lengthBytes = length <= SHORT ? 0 : length <= 0xffff ? 2 : 8;
  const frame = Buffer.allocUnsafe(2 + lengthBytes + length);
  frame[0] = WHOLE_TEXT;
  if (lengthBytes === 0) frame[1] = length;
  else if (lengthBytes === 2) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  const begin = 2 + lengthBytes;
  frame.write(head, begin);
  frame.set(body, begin + headBytes);
  frame.write(tail, begin + headBytes + body.length);
  return frame;
}
