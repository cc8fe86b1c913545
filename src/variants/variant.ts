import { badInput, type InputIssue } from '../core/errors.ts';
import type { Artifact } from '../core/job.ts';

export const imageFormats = ['WEBP', 'JPEG', 'PNG', 'AVIF'] as const;
export type ImageFormat = (typeof imageFormats)[number];

/** A picture that can be made of another one. */
export interface Variant {
  format: ImageFormat;
  /** Pixels, less than the original has; null: as wide as it. */
  width: number | null;
  /** 1 to 100; null for PNG, which loses nothing. */
  quality: number | null;
}

/** What a caller asked for; null: nothing in particular. */
export interface VariantRequest {
  format: ImageFormat | null;
  width: number | null;
  quality: number | null;
}

/** Why there is no such picture. */
export type VariantFailure =
  /** The original has been removed. */
  | 'gone'
  /** The original is none of the formats that are read, or broken. */
  | 'unreadable'
  /** It would take too much memory, time or storage: the message says how much of which, for whoever asked. */
  | 'tooLarge'
  /** Too many are being made: later it works. */
  | 'busy';

export class VariantError extends Error {
  override readonly name = 'VariantError';
  readonly reason: VariantFailure;

  constructor(reason: VariantFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Of an original, and of what is made of it. */
export const MOST_BYTES = 64 * 1024 * 1024;

const WIDTHS = { least: 16, most: 4096 };

interface Format {
  contentType: string;
  extension: string;
  /** What is taken when no quality is asked for. */
  quality: number | null;
}

/** The numbers are sharp's own, which look alike. */
export const formats: Readonly<Record<ImageFormat, Format>> = {
  WEBP: { contentType: 'image/webp', extension: 'webp', quality: 80 },
  JPEG: { contentType: 'image/jpeg', extension: 'jpg', quality: 80 },
  PNG: { contentType: 'image/png', extension: 'png', quality: null },
  AVIF: { contentType: 'image/avif', extension: 'avif', quality: 50 },
};

const FORMAT_OF = new Map<string, ImageFormat>([
  ['image/apng', 'PNG'],
  ...imageFormats.map((format): [string, ImageFormat] => [formats[format].contentType, format]),
]);

/**
 * The picture that a request comes to, or null when the original is all that was asked for. Without a format the
 * original's own is kept, or WEBP is taken where that is none of the four. Throws BAD_USER_INPUT.
 */
export function variantOf(
  { format, width, quality }: VariantRequest,
  original: Pick<Artifact, 'contentType' | 'width'>,
): Variant | null {
  if (format === null && width === null && quality === null) return null;
  checkRequest({ format, width, quality });
  const own = FORMAT_OF.get(original.contentType);
  const chosen = format ?? own ?? 'WEBP';
  const narrower = width !== null && width < (original.width ?? Number.POSITIVE_INFINITY) ? width : null;
  const usual = formats[chosen].quality;
  const wanted = usual === null ? null : quality;
  if (chosen === own && narrower === null && wanted === null) return null;
  return { format: chosen, width: narrower, quality: wanted ?? usual };
}

function checkRequest({ format, width, quality }: VariantRequest): void {
  const issues: InputIssue[] = [];
  const outside = (value: number | null, least: number, most: number) =>
    value !== null && (value < least || value > most);
  if (outside(width, WIDTHS.least, WIDTHS.most)) {
    const message = `expected ${WIDTHS.least} to ${WIDTHS.most} pixels, got ${width}`;
    issues.push({ path: ['width'], message, code: 'out_of_range' });
  }
  if (outside(quality, 1, 100)) {
    issues.push({ path: ['quality'], message: `expected 1 to 100, got ${quality}`, code: 'out_of_range' });
  } else if (format === 'PNG' && quality !== null) {
    issues.push({ path: ['quality'], message: 'PNG has no quality: it loses nothing', code: 'not_applicable' });
  }
  if (issues.length > 0) throw badInput(issues);
}

/** What tells a variant from the others of its original: `v-w512-q80.webp`. */
export function variantName({ format, width, quality }: Variant): string {
  const parts = [...(width === null ? [] : [`-w${width}`]), ...(quality === null ? [] : [`-q${quality}`])];
  return `v${parts.join('')}.${formats[format].extension}`;
}

/** Beside the original, so that it goes with it. */
export function variantKey(originalKey: string, variant: Variant): string {
  return `${originalKey}.${variantName(variant)}`;
}

/** The opposite of `variantKey`; null for the key of anything else. */
export function parseVariantKey(key: string): { originalKey: string; variant: Variant } | null {
  const match = /^(.+)\.v(?:-w([0-9]+))?(?:-q([0-9]+))?\.([a-z]+)$/.exec(key);
  const format = imageFormats.find((each) => formats[each].extension === match?.[4]);
  if (!match?.[1] || !format) return null;
  const number = (text: string | undefined) => (text === undefined ? null : Number(text));
  return { originalKey: match[1], variant: { format, width: number(match[2]), quality: number(match[3]) } };
}

/** The original's name with the variant's extension. */
export function variantFilename(filename: string, { format }: Variant): string {
  return `${filename.replace(/\.[A-Za-z0-9]{1,10}$/, '')}.${formats[format].extension}`;
}
