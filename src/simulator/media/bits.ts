/** Writes bits into bytes, the highest bit of a byte first, as audio and video headers want them. */
export interface BitWriter {
  bits(value: number, count: number): void;
  /** Exp-Golomb codes of H.264. */
  unsigned(value: number): void;
  align(): void;
  bytes(data: Uint8Array): void;
  /** H.264's closing bit and padding, then all that was written. */
  closed(): Buffer;
  done(): Buffer;
}

export function createBitWriter(): BitWriter {
  const parts: Buffer[] = [];
  let held: number[] = [];
  let current = 0;
  let filled = 0;

  function flushHeld(): void {
    if (held.length > 0) parts.push(Buffer.from(held));
    held = [];
  }

  const writer: BitWriter = {
    bits(value, count) {
      for (let i = count - 1; i >= 0; i--) {
        current = (current << 1) | (Math.floor(value / 2 ** i) & 1);
        filled += 1;
        if (filled < 8) continue;
        held.push(current);
        current = 0;
        filled = 0;
      }
    },
    unsigned(value) {
      const length = Math.floor(Math.log2(value + 1));
      writer.bits(0, length);
      writer.bits(value + 1, length + 1);
    },
    align() {
      if (filled > 0) writer.bits(0, 8 - filled);
    },
    bytes(data) {
      writer.align();
      flushHeld();
      parts.push(Buffer.from(data));
    },
    closed() {
      writer.bits(1, 1);
      return writer.done();
    },
    done() {
      writer.align();
      flushHeld();
      return Buffer.concat(parts);
    },
  };
  return writer;
}
