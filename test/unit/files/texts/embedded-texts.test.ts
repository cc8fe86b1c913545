import { expect, test } from 'vitest';
import { readEmbeddedTexts } from '../../../../src/files/texts/embedded-texts.ts';
import { MOST_TEXT_BYTES } from '../../../../src/files/texts/texts.ts';
import { pngChunk } from '../../../../src/simulator/media/png.ts';
import {
  comf,
  fileOf,
  glbWith,
  iTXt,
  mediumWith,
  pictureWith,
  pngWith,
  safetensorsWith,
  tEXt,
  zTXt,
} from '../../../support/media-with-texts.ts';

const workflow = '{"nodes":[],"title":"Große Läufer"}';
/** As Python writes it. */
const ascii = workflow.replace('ß', '\\u00df').replace('ä', '\\u00e4');
const prompt = '{"1":{"class_type":"A","inputs":{"text":"x: {y} \\u00fc"}}}';

async function textsOf(name: string, content: string | Uint8Array) {
  return (await readEmbeddedTexts(await fileOf(name, content)))?.texts;
}

test('all text chunks of a PNG are read, compressed or not, and that of an animated one', async () => {
  const png = await pngWith(
    tEXt('prompt', prompt),
    zTXt('workflow', workflow),
    iTXt('plain', workflow),
    iTXt('packed', workflow, true),
    comf('animated', prompt),
    tEXt('prompt', 'a second one of the name is left out'),
    pngChunk('tEXt', Buffer.from('without an end of its keyword')),
    tEXt('latin', Buffer.from([0xfc]).toString('latin1')),
  );
  const texts = { prompt, workflow, plain: workflow, packed: workflow, animated: prompt, latin: 'ü' };
  expect(await textsOf('a.png', png)).toEqual(texts);
});

test.for(['webp', 'avif', 'jpeg'] as const)(
  'texts in the EXIF data of a %s are read by their names',
  async (format) => {
    const picture = await pictureWith(format, { workflow: ascii, prompt, Artist: 'nobody: {' });
    expect(await textsOf(`a.${format}`, picture)).toMatchObject({ workflow: ascii, prompt });
  },
);

test('a user comment in UTF-16, as sites write it into a JPEG, is read', async () => {
  for (const swapped of [false, true]) {
    const comment = Buffer.from(prompt, 'utf16le');
    const text = Buffer.concat([Buffer.from('UNICODE\0'), swapped ? comment.swap16() : comment]);
    const plain = await pictureWith('jpeg', { Artist: 'x'.repeat(text.length) });
    const at = plain.indexOf('x'.repeat(text.length));
    text.copy(plain, at);
    expect(await textsOf('a.jpg', plain)).toMatchObject({ comment: prompt });
  }
});

test.for(['mp4', 'mov', 'webm', 'mp3', 'flac', 'opus'] as const)('the tags of a %s are read', async (format) => {
  const tags = { workflow, prompt };
  // The frame of ID3 for tags that it does not know.
  // TXXX is ID3's frame for texts of one's own names.
  const medium = await mediumWith(format, { raw: format === 'mp3' ? { TXXX: tags } : tags });
  expect(await textsOf(`a.${format}`, medium)).toMatchObject(tags);
});

test('the comment of a film is read wherever it stands, since some packs write all into it', async () => {
  for (const format of ['mp4', 'udta', 'webm'] as const) {
    expect(await textsOf('a', await mediumWith(format, { comment: prompt }))).toMatchObject({ comment: prompt });
  }
});

test('a GLB, a latent and an SVG say what they were made with', async () => {
  expect(await textsOf('a.glb', glbWith({ workflow, prompt }))).toEqual({ workflow, prompt });
  expect(await textsOf('a.latent', safetensorsWith({ workflow, prompt }))).toEqual({ workflow, prompt });
  const metadata = JSON.stringify({ workflow, prompt });
  const escaped = metadata.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  for (const inside of [`<![CDATA[${metadata}]]>`, escaped]) {
    for (const head of ['', '<?xml version="1.0"?>\n']) {
      const svg = `${head}<svg xmlns="http://www.w3.org/2000/svg"><metadata>${inside}</metadata></svg>`;
      expect(await textsOf('a.svg', svg)).toEqual({ metadata });
    }
  }
});

test('media without texts, and other files, are told by their type', async () => {
  expect(await readEmbeddedTexts(await fileOf('a.png', await pngWith()))).toMatchObject({
    type: 'image/png',
    texts: {},
  });
  expect(await textsOf('a.svg', '<svg></svg>')).toEqual({});
  const zip = Buffer.from('PK\x03\x04'.padEnd(64, '\0'), 'latin1');
  expect(await readEmbeddedTexts(await fileOf('a.zip', zip))).toEqual({
    type: 'application/zip',
    where: null,
    texts: {},
  });
  expect(await readEmbeddedTexts(await fileOf('a.json', '{}'))).toBeNull();
});

test('what would take too much memory is refused before it is taken', async () => {
  const bomb = zTXt('workflow', Buffer.alloc(MOST_TEXT_BYTES + 1));
  await expect(textsOf('a.png', await pngWith(bomb))).rejects.toThrow('more than 16 MiB');
  // Each for itself is small enough.
  const half = zTXt('prompt', Buffer.alloc(MOST_TEXT_BYTES - 10));
  await expect(textsOf('a.png', await pngWith(half, iTXt('workflow', workflow, true)))).rejects.toThrow('16 MiB');
  const long = Buffer.alloc(17);
  long.writeBigUInt64LE(BigInt(MOST_TEXT_BYTES + 1));
  long[8] = '{'.charCodeAt(0);
  const sparse = Buffer.concat([long, Buffer.alloc(MOST_TEXT_BYTES)]);
  await expect(textsOf('a.safetensors', sparse)).rejects.toThrow('its JSON header would take more than 16 MiB');
});

test('a file that is cut off or damaged is refused with a reason, or read as far as it goes', async () => {
  const png = await pngWith(tEXt('prompt', prompt), tEXt('workflow', workflow));
  for (let length = 40; length < png.length; length += 7) {
    expect(await textsOf('a.png', png.subarray(0, length))).toBeDefined();
  }
  const damaged = await pngWith(pngChunk('zTXt', Buffer.from('workflow\0\0no deflate')));
  await expect(textsOf('a.png', damaged)).rejects.toThrow('cannot be decompressed');
  await expect(textsOf('a.latent', safetensorsWith({}).fill('x', 9, 20))).rejects.toThrow('cannot be read');
  const webp = await pictureWith('webp', { workflow });
  await expect(textsOf('a.webp', webp.subarray(0, 20))).rejects.toThrow('cut off or damaged');
});
