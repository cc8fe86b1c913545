import { MOST_TEXT_BYTES, type Texts, textOf, tooLarge, UnreadableTextsError } from './texts.ts';

/**
 * The texts of a WebP, AVIF or JPEG: those of its EXIF block that begin with a name, `workflow:{…}`, as ComfyUI and its
 * packs write them into whichever field, and those that are a JSON object themselves.
 */
export async function readExifTexts(path: string): Promise<Texts> {
  const { default: sharp } = await import('sharp');
  const { exif = Buffer.alloc(0) } = await sharp(path, { limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw new UnreadableTextsError('it is cut off or damaged', { cause });
    });
  if (exif.length > MOST_TEXT_BYTES) throw tooLarge('its EXIF data');
  return textsOfExif(exif);
}

/** Texts in EXIF end with NUL, so that its directories need not be read. */
function textsOfExif(exif: Buffer): Texts {
  const texts: Texts = {};
  for (let start = 0; start < exif.length; ) {
    const nul = exif.indexOf(0, start);
    const end = nul < 0 ? exif.length : nul;
    const text = textOf(exif.subarray(start, end));
    const [, name, value] = /^(\w+):\s*(\{.*)$/s.exec(text) ?? [];
    if (name && value) texts[name.toLowerCase()] ??= value;
    else if (text.startsWith('{')) texts.comment ??= text;
    else if (text.endsWith('UNICODE')) return { ...texts, comment: textOfUtf16(exif.subarray(end + 1)) };
    start = end + 1;
  }
  return texts;
}

/** What a user comment holds after `UNICODE\0`, in whichever order of bytes. */
function textOfUtf16(bytes: Buffer): string {
  const text = new TextDecoder(bytes[0] === 0 ? 'utf-16be' : 'utf-16le').decode(bytes);
  return text.slice(0, Math.max(text.lastIndexOf('}') + 1, 0));
}
