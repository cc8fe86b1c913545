const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const GREY_WITH_ALPHA = 4;

/**
 * A mask as PNG: of what is painted the light is 255 and the alpha 0, of all else the other way round. So it is the
 * same mask whether a workflow reads how light it is or, as ComfyUI's own editor has it, where it is transparent. A
 * canvas cannot say that, since it forgets the colour of what is transparent. `painted`: a byte for each pixel, 0 to
 * 255.
 */
export async function maskPng(painted: Uint8Array, width: number, height: number): Promise<Blob> {
  // Each row begins with the number of its filter: none.
  const rows = new Uint8Array(height * (1 + 2 * width));
  for (let y = 0, at = 0; y < height; y++) {
    at++;
    for (let x = 0; x < width; x++) {
      const light = painted[y * width + x] ?? 0;
      rows[at++] = light;
      rows[at++] = 255 - light;
    }
  }
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([8, GREY_WITH_ALPHA], 8);
  const zlib = new Blob([rows]).stream().pipeThrough(new CompressionStream('deflate'));
  const data = new Uint8Array(await new Response(zlib).arrayBuffer());
  const parts = [new Uint8Array(SIGNATURE), chunk('IHDR', head), chunk('IDAT', data), chunk('IEND', new Uint8Array())];
  return new Blob(parts, { type: 'image/png' });
}

/** Length, name, data and checksum of name and data. */
function chunk(name: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** As PNG has it (ISO 3309). */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
