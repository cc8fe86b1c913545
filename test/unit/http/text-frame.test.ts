import { expect, test } from 'vitest';
import * as ws from 'ws';
import { textFrame } from '../../../src/http/graphql/text-frame.ts';

/** As ws frames a message that a server sends. */
function framedByWs(message: string): Buffer {
  const Sender = Reflect.get(ws, 'Sender');
  const options = { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: true };
  return Buffer.concat(Sender.frame(Buffer.from(message), options));
}

test.each([0, 1, 118, 119, 120, 65_528, 65_529, 65_530, 200_000])(
  'a message whose body has %i bytes is framed as ws does',
  (bytes) => {
    const body = 'x'.repeat(bytes);
    expect(textFrame('{"é":', Buffer.from(body), '}').equals(framedByWs(`{"é":${body}}`))).toBe(true);
  },
);
