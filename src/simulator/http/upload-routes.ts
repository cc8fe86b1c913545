import { posix } from 'node:path';
import { type FileStore, type FolderType, isFolderType } from '../files.ts';
import { decodePicture } from '../media/picture-files.ts';
import { encodePng, pngTexts } from '../media/png.ts';
import { splitAnnotation } from '../nodes/input-file.ts';
import { baseDirectory } from '../nodes/save-path.ts';
import { asRgb, drawn, type Frame, resize } from '../pictures/frame.ts';
import { isRecord } from '../protocol/json.ts';
import { PythonError } from '../protocol/python.ts';
import { type Answer, type Exchange, empty, json } from './exchange.ts';
import type { Routes } from './router.ts';

/** POST /upload/image and /upload/mask (multipart/form-data). */
export function uploadRoutes(files: FileStore): Routes {
  return [
    { method: 'POST', path: '/upload/image', handle: async (exchange) => upload(await readForm(exchange), files) },
    {
      method: 'POST',
      path: '/upload/mask',
      async handle(exchange) {
        const form = await readForm(exchange);
        const reference = form.get('original_ref');
        if (typeof reference !== 'string') throw new PythonError('TypeError', 'the JSON object must be str');
        return upload(form, files, (bytes) => withMask(bytes, JSON.parse(reference), files));
      },
    },
  ];
}

async function readForm(exchange: Exchange): Promise<FormData> {
  const type = exchange.request.headers['content-type'] ?? '';
  if (!type.startsWith('multipart/form-data')) return new FormData();
  return new Response(new Uint8Array(await exchange.body()), { headers: { 'content-type': type } }).formData();
}

/** @param change turns the uploaded bytes into those to store; undefined stores nothing, though the answer is 200. */
async function upload(
  form: FormData,
  files: FileStore,
  change: (bytes: Buffer) => Promise<Buffer | undefined> = async (bytes) => bytes,
): Promise<Answer> {
  const folder = form.get('type') ?? 'input';
  if (typeof folder !== 'string' || !isFolderType(folder)) throw new PythonError('UnboundLocalError', 'type_dir');
  const image = form.get('image');
  if (image === null) return empty(400);
  // A part without a filename is text to the form parser, which has no `file`.
  if (typeof image === 'string') throw new PythonError('AttributeError', "'str' object has no attribute 'file'");
  const directoryField = form.get('subfolder');
  const subfolder = typeof directoryField === 'string' ? directoryField : '';
  const root = `${baseDirectory}/${folder}`;
  const full = posix.resolve(root, posix.normalize(subfolder), image.name);
  if (!full.startsWith(`${root}/`)) return empty(400);

  const directory = posix.relative(root, posix.dirname(full));
  const bytes = Buffer.from(await image.arrayBuffer());
  const overwrite = form.get('overwrite') === 'true' || form.get('overwrite') === '1';
  const free = overwrite ? { name: image.name, taken: false } : freeName(files, folder, directory, image.name, bytes);
  if (!free.taken) {
    const stored = await change(bytes);
    if (stored) files.write(folder, posix.join(directory, posix.basename(free.name)), stored);
  }
  return json({ name: free.name, subfolder, type: folder });
}

/** The name of a stored file of the same bytes (`taken`), else the first free one: plain, or with ` (1)`, ` (2)` ... */
function freeName(files: FileStore, folder: FolderType, directory: string, name: string, bytes: Buffer) {
  const ending = posix.extname(name);
  const stem = name.slice(0, name.length - ending.length);
  for (let tries = 0; ; tries++) {
    const candidate = tries === 0 ? name : `${stem} (${tries})${ending}`;
    const there = files.read(folder, posix.join(directory, posix.basename(candidate)));
    if (!there) return { name: candidate, taken: false };
    if (there.bytes.equals(bytes)) return { name: candidate, taken: true };
  }
}

/** The original with the alpha of the uploaded picture; undefined if the original does not exist. */
async function withMask(bytes: Buffer, reference: unknown, files: FileStore): Promise<Buffer | undefined> {
  if (!isRecord(reference) || typeof reference.filename !== 'string') throw new PythonError('KeyError', "'filename'");
  const { name, folder = reference.type ?? 'output' } = splitAnnotation(reference.filename);
  if (name === '' || name.startsWith('/') || name.includes('..')) return undefined;
  if (typeof folder !== 'string' || !isFolderType(folder)) return undefined;
  const subfolder = typeof reference.subfolder === 'string' ? reference.subfolder : '';
  const original = files.read(folder, posix.join(subfolder, name));
  if (!original) return undefined;
  const [picture, mask] = await Promise.all([decodePicture(original.bytes), decodePicture(bytes)]);
  if (!picture || !mask) throw new PythonError('PIL.UnidentifiedImageError', 'cannot identify image file');
  return encodePng(combined(picture, mask), pngTexts(original.bytes));
}

function combined(picture: Frame, mask: Frame): Frame {
  return drawn(picture.width, picture.height, 4, async () => {
    const [colours, cover] = await Promise.all([
      asRgb(picture).pixels(),
      resize(mask, picture.width, picture.height).pixels(),
    ]);
    return (x, y, to, out) => {
      const pixel = y * picture.width + x;
      for (let c = 0; c < 3; c++) to[out + c] = colours[pixel * 3 + c] ?? 0;
      to[out + 3] = mask.channels === 4 ? (cover[pixel * 4 + 3] ?? 0) : 255;
    };
  });
}
