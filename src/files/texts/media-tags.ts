import type { FileHandle } from 'node:fs/promises';
import { isObject } from '../../core/objects.ts';
import { openMediaInput } from '../media-input.ts';
import { type Texts, UnreadableTextsError } from './texts.ts';

/** The tags of a video or audio file that are texts, by their names in lower case. */
export async function readMediaTags(file: FileHandle, size: number): Promise<Texts> {
  using input = openMediaInput(file, size);
  try {
    // A comment has other names in the formats, and in some films no text for a value.
    const { comment, raw } = await input.getMetadataTags();
    const texts: Texts = {};
    for (const [name, value] of Object.entries({ ...raw, comment })) {
      // In MP3 tags that are not of its own standard stand together, as an object.
      const tags = isObject(value) ? Object.entries(value) : [[name, Array.isArray(value) ? value[0] : value] as const];
      for (const [tag, text] of tags) if (typeof text === 'string') texts[tag.toLowerCase()] = text;
    }
    return texts;
  } catch (error) {
    throw new UnreadableTextsError('its tags cannot be read', { cause: error });
  }
}
