import { hkdfSync, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * An API key: `cg_<12 of id>_<32 random>_<6 of checksum>`, in the digits and letters of base62. The id is no secret and
 * names the key in lists and logs; the random part has 190 bits. The checksum is the CRC-32 of all before it, so that a
 * scanner of source code tells a key from what looks like one, and a typo is told from a key that was revoked.
 */
export interface NewApiKey {
  id: string;
  /** The whole key. Nobody but its caller keeps it. */
  text: string;
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_LENGTH = 12;
const SECRET_LENGTH = 32;
/** 62^6 is above 2^32. */
const CHECKSUM_LENGTH = 6;

const KEY = /^(cg_([0-9A-Za-z]{12})_[0-9A-Za-z]{32})_([0-9A-Za-z]{6})$/;
const ID = /^[0-9A-Za-z]{12}$/;

export function newApiKey(): NewApiKey {
  const id = randomDigits(ID_LENGTH);
  const unchecked = `cg_${id}_${randomDigits(SECRET_LENGTH)}`;
  return { id, text: `${unchecked}_${checksumOf(unchecked)}` };
}

/** `malformed`: no key, or one with a typo. */
export function parseApiKey(text: string): { id: string } | 'malformed' {
  const [, unchecked = '', id = '', checksum] = KEY.exec(text) ?? [];
  return checksum !== undefined && checksum === checksumOf(unchecked) ? { id } : 'malformed';
}

export function isApiKeyId(text: string): boolean {
  return ID.test(text);
}

/** Whether a text is meant to be an API key, valid or not. */
export function looksLikeApiKey(text: string): boolean {
  return text.startsWith('cg_');
}

const SIGNING_PURPOSE = 'comfygate: requests signed with an API key';
const SIGNING_BYTES = 32;

/** What requests are signed with, made of the key: 32 bytes in base64url. */
export function signingSecretOf(text: string): string {
  return Buffer.from(hkdfSync('sha256', text, '', SIGNING_PURPOSE, SIGNING_BYTES)).toString('base64url');
}

function checksumOf(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    digits = `${DIGITS[rest % 62]}${digits}`;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

/** All digits are equally likely: bytes from 248 on, the rest behind four rounds of 62, are drawn again. */
function randomDigits(length: number): string {
  let digits = '';
  while (digits.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 248 && digits.length < length) digits += DIGITS[byte % 62];
    }
  }
  return digits;
}
