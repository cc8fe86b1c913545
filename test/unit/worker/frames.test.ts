import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseImageFrame, pictureType } from '../../../worker/comfyui/frames.ts';

const PNG = Buffer.from('\x89PNG\r\n\x1a\nrest', 'latin1');
const JPEG = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2]);
const WEBP = Buffer.from('RIFF\0\0\0\0WEBPVP8 ', 'latin1');

function words(...numbers: number[]): Buffer {
  const buffer = Buffer.alloc(numbers.length * 4);
  for (const [i, number] of numbers.entries()) buffer.writeUInt32BE(number, i * 4);
  return buffer;
}

function withMetadata(metadata: unknown, picture: Buffer): Buffer {
  const text = Buffer.from(typeof metadata === 'string' ? metadata : JSON.stringify(metadata));
  return Buffer.concat([words(4, text.length), text, picture]);
}

const about = {
  node_id: '2.0.0.1',
  prompt_id: 'p',
  display_node_id: '2',
  parent_node_id: null,
  real_node_id: '2',
  image_type: 'image/jpeg',
};

describe('a frame', () => {
  test('of type 1 is a picture that does not say what it is of', () => {
    expect(parseImageFrame(Buffer.concat([words(1, 2), JPEG]))).toEqual({ of: null, bytes: JPEG });
  });

  test('of type 4 names its prompt and the node that is shown', () => {
    expect(parseImageFrame(withMetadata(about, PNG))).toEqual({ of: { promptId: 'p', node: '2' }, bytes: PNG });
    const { display_node_id: _, ...old } = about;
    expect(parseImageFrame(withMetadata(old, PNG))?.of).toEqual({ promptId: 'p', node: '2.0.0.1' });
  });

  test('is not copied', () => {
    const frame = withMetadata(about, PNG);
    expect(parseImageFrame(frame)?.bytes.buffer).toBe(frame.buffer);
  });

  test.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['less than a header', words(1)],
    ['no picture', words(1, 2)],
    ['a text', Buffer.concat([words(3, 1), Buffer.from('7half way')])],
    ['a type that never goes on the wire', Buffer.concat([words(2, 1), JPEG])],
    ['an unknown type', Buffer.concat([words(99, 1), JPEG])],
    ['metadata without a picture', withMetadata(about, Buffer.alloc(0))],
    ['metadata longer than the frame', Buffer.concat([words(4, 0xffffffff), JPEG])],
    ['metadata that is no JSON', withMetadata('{', PNG)],
    ['metadata of no prompt', withMetadata({ node_id: '2' }, PNG)],
    ['metadata that is a list', withMetadata([about], PNG)],
  ])('of %s is nothing', (_name, frame) => {
    expect(parseImageFrame(frame)).toBeNull();
  });

  test('of any bytes whatever is a part of itself, or nothing', () => {
    const frame = fc
      .tuple(fc.nat({ max: 5 }), fc.oneof(fc.nat({ max: 40 }), fc.nat()), fc.uint8Array({ maxLength: 60 }))
      .map(([type, length, rest]) => Buffer.concat([words(type, length), rest]));
    fc.assert(
      fc.property(fc.oneof(frame, fc.uint8Array().map(Buffer.from)), (bytes) => {
        const parsed = parseImageFrame(bytes);
        if (parsed) expect(bytes.subarray(-parsed.bytes.length).equals(parsed.bytes)).toBe(true);
      }),
    );
  });
});

test('the format is what the first bytes say', () => {
  expect([PNG, JPEG, WEBP].map(pictureType)).toEqual(['image/png', 'image/jpeg', 'image/webp']);
  const others = [Buffer.alloc(0), JPEG.subarray(0, 2), Buffer.from('GIF89a'), Buffer.from('<svg xmlns="…">')];
  expect(others.map(pictureType)).toEqual([null, null, null, null]);
});
