import { safeFilename } from './filename.ts';

/**
 * What a browser shows and cannot run. A list of what is let through: HTML, SVG, XML, scripts, PDF and whatever comes
 * up next are saved, not opened, and under a type that says nothing.
 */
const SHOWN = new Set([
  'image/png',
  'image/apng',
  'image/jpeg',
  'image/webp',
  'image/gif',
  'image/avif',
  'image/bmp',
  'video/mp4',
  'video/webm',
  'video/quicktime',
  'video/matroska',
  'video/x-matroska',
  'audio/mpeg',
  'audio/mp4',
  'audio/x-m4a',
  'audio/aac',
  'audio/flac',
  'audio/ogg',
  'audio/opus',
  'audio/wav',
  'audio/webm',
  'text/plain',
  'application/json',
]);

type Disposition = 'inline' | 'attachment';

interface ContentHeaders {
  contentType: string;
  disposition: Disposition;
  /** RFC 6266: an ASCII name for everybody and the real one by RFC 5987. */
  contentDisposition: string;
}

/**
 * The headers that a file goes out with. `download` asks for saving; types that are not safe to show are saved
 * anyway.
 */
export function contentHeaders(contentType: string, filename: string, download = false): ContentHeaders {
  const essence = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const shown = SHOWN.has(essence);
  const disposition = shown && !download ? 'inline' : 'attachment';
  return {
    contentType: shown ? withCharset(essence) : 'application/octet-stream',
    disposition,
    contentDisposition: contentDisposition(disposition, filename),
  };
}

function withCharset(essence: string): string {
  return essence.startsWith('text/') ? `${essence}; charset=utf-8` : essence;
}

function contentDisposition(disposition: Disposition, filename: string): string {
  const name = safeFilename(filename);
  const ascii = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\x20-\x7e]/g, '_');
  const plain = `${disposition}; filename="${ascii}"`;
  return ascii === name ? plain : `${plain}; filename*=UTF-8''${percentEncoded(name)}`;
}

/** `encodeURIComponent` leaves `'()*` as they are, which RFC 5987's attr-char does not allow. */
function percentEncoded(text: string): string {
  return encodeURIComponent(text).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
