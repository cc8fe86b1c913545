import { randomBytes } from 'node:crypto';
import { extname, posix } from 'node:path';
import type { FaultHandle } from '../faults.ts';
import { type FileStore, isFolderType, type StoredFile } from '../files.ts';
import { decodePicture, encodeLossy } from '../media/picture-files.ts';
import { encodePng } from '../media/png.ts';
import { splitAnnotation } from '../nodes/input-file.ts';
import { baseDirectory } from '../nodes/save-path.ts';
import { asRgb, mapped } from '../pictures/frame.ts';
import { type Answer, type Exchange, empty, serverError } from './exchange.ts';
import type { Routes } from './router.ts';

export interface ViewRouteParts {
  faults: FaultHandle;
  files: FileStore;
}

const contentTypes: Record<string, string> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
  '.avif': 'image/avif',
  '.bmp': 'image/bmp',
  '.svg': 'image/svg+xml',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
  '.mkv': 'video/x-matroska',
  '.mov': 'video/quicktime',
  '.flac': 'audio/flac',
  '.mp3': 'audio/mpeg',
  '.opus': 'audio/ogg',
  '.ogg': 'audio/ogg',
  '.wav': 'audio/x-wav',
  '.txt': 'text/plain',
  '.csv': 'text/csv',
  '.md': 'text/markdown',
  '.json': 'application/json',
  '.html': 'text/html',
  '.htm': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.xml': 'text/xml',
  '.glb': 'model/gltf-binary',
};
/** Types that a browser might run: these files are served as attachments of no particular type. */
const dangerous = new Set(['text/html', 'text/javascript', 'text/css', 'text/xml', 'image/svg+xml', 'application/xml']);

/** GET /view: a file of one of the three folders. */
export function viewRoutes({ faults, files }: ViewRouteParts): Routes {
  return [
    {
      method: 'GET',
      path: '/view',
      async handle(exchange) {
        if (faults.current.viewStatus !== null) return empty(faults.current.viewStatus);
        const found = locate(exchange.query, files);
        if ('status' in found) return found;
        const { file, name } = found;
        if (exchange.query.has('preview')) return recoded(file, name, exchange.query, 'preview');
        const channel = exchange.query.get('channel');
        if (channel === 'rgb' || channel === 'a') return recoded(file, name, exchange.query, channel);
        const answer = plain(exchange, file, name);
        if (faults.strikes('garbageView')) return { ...answer, body: randomBytes(answer.body?.length ?? 0) };
        if (faults.strikes('truncateView')) return { ...answer, cutAfter: Math.floor((answer.body?.length ?? 0) / 2) };
        return answer;
      },
    },
  ];
}

function locate(query: URLSearchParams, files: FileStore): { file: StoredFile; name: string } | Answer {
  const filename = query.get('filename');
  if (filename === null || filename.startsWith('blake3:')) return empty(404);
  const annotated = splitAnnotation(filename);
  if (annotated.name === '') return empty(400);
  if (annotated.name.startsWith('/') || annotated.name.includes('..')) return empty(400);
  const folder = annotated.folder ?? query.get('type') ?? 'output';
  if (!isFolderType(folder)) return empty(400);
  const root = `${baseDirectory}/${folder}`;
  const directory = posix.resolve(root, query.get('subfolder') ?? '');
  if (directory !== root && !directory.startsWith(`${root}/`)) return empty(403);
  const name = posix.basename(annotated.name);
  const file = files.read(folder, posix.join(posix.relative(root, directory), name));
  return file ? { file, name } : empty(404);
}

function plain({ request }: Exchange, file: StoredFile, name: string): Answer {
  const type = contentTypes[extname(name).toLowerCase()] ?? 'application/octet-stream';
  const escaped = name.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  const headers: Record<string, string> = {
    'x-content-type-options': 'nosniff',
    'content-type': type,
    'content-disposition': `filename="${escaped}"`,
    etag: file.etag,
    'last-modified': new Date(file.modified).toUTCString(),
    'accept-ranges': 'bytes',
  };
  if (dangerous.has(type)) {
    headers.vary = 'Sec-Fetch-Dest';
    headers['cache-control'] = 'no-store';
    if (type !== 'image/svg+xml' || request.headers['sec-fetch-dest'] !== 'image') {
      headers['content-type'] = 'application/octet-stream';
      headers['content-disposition'] = `attachment; filename="${escaped}"`;
    }
  }
  if (request.headers['if-none-match'] === file.etag) return { status: 304, headers };
  return ranged(request.headers.range, file.bytes, headers);
}

/** One byte range: `a-b`, `a-` or `-n`. Any other range is ignored, as a server may. */
function ranged(range: string | undefined, bytes: Buffer, headers: Record<string, string>): Answer {
  const [match, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
  if (match === undefined || (first === '' && last === '')) return { status: 200, headers, body: bytes };
  const start = first === '' ? Math.max(0, bytes.length - Number(last)) : Number(first);
  const end = first === '' || last === '' ? bytes.length : Math.min(bytes.length, Number(last) + 1);
  if (start >= bytes.length || start >= end) {
    return { status: 416, headers: { ...headers, 'content-range': `bytes */${bytes.length}` } };
  }
  const contentRange = `bytes ${start}-${end - 1}/${bytes.length}`;
  return { status: 206, headers: { ...headers, 'content-range': contentRange }, body: bytes.subarray(start, end) };
}

/** The picture, encoded again. A file that is no readable picture gives 500, as in ComfyUI. */
async function recoded(
  file: StoredFile,
  name: string,
  query: URLSearchParams,
  how: 'preview' | 'rgb' | 'a',
): Promise<Answer> {
  const frame = await decodePicture(file.bytes);
  if (!frame) return serverError();
  const headers = (type: string) => ({ 'content-type': type, 'content-disposition': `filename="${name}"` });
  if (how === 'preview') {
    const { format, quality } = previewFormat(query);
    const shown = format === 'jpeg' || query.get('channel') === 'rgb' ? asRgb(frame) : frame;
    return { status: 200, headers: headers(`image/${format}`), body: await encodeLossy(shown, format, quality) };
  }
  const onlyAlpha = mapped(frame, 4, (from, at, to, out) => {
    to[out + 3] = frame.channels === 4 ? (from[at + 3] ?? 0) : 255;
  });
  return { status: 200, headers: headers('image/png'), body: await encodePng(how === 'a' ? onlyAlpha : asRgb(frame)) };
}

/** Reads `webp;90` or `jpeg;90`. Other formats, and what keeps its alpha, become WebP; the default quality is 90. */
function previewFormat(query: URLSearchParams): { format: 'jpeg' | 'webp'; quality: number } {
  const parts = (query.get('preview') ?? '').split(';');
  const last = parts.at(-1) ?? '';
  return {
    format: parts[0] === 'jpeg' && !query.get('channel')?.includes('a') ? 'jpeg' : 'webp',
    quality: /^\d+$/.test(last) ? Math.min(100, Math.max(1, Number(last))) : 90,
  };
}
