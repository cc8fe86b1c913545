import type { IncomingMessage, ServerResponse } from 'node:http';
import { type BoundUse, createShares } from '../../async/shares.ts';
import { clientAddress } from '../client-address.ts';
import { setHeaders } from '../reply.ts';
import { refuse } from './refusals.ts';

export interface ArtifactRoute {
  /** What its addresses begin with: `/artifacts/`, or `/<bucket>/`. */
  path: string;
  /** Resolves to whether the address was one of its own. */
  serve(req: IncomingMessage, res: ServerResponse): Promise<boolean>;
}

export interface FileRoutesOptions {
  artifacts?: ArtifactRoute | undefined;
  variants?: ArtifactRoute | undefined;
  /** Files that are sent at a time; a client may have half. */
  maxDownloads: number;
  /** Lets in the page of a listed origin, which may use these methods. Throws HttpFault for a foreign one. */
  admitPage: (req: IncomingMessage, res: ServerResponse, methods: string) => void;
}

export interface FileRoutes {
  /** Of files that are sent. */
  use(): BoundUse;
  /** What a request is counted under; null where its path is that of no file. */
  kind(path: string, method: string | undefined): 'variant' | 'upload' | 'download' | null;
  /** Resolves to whether the address was that of a file, and the request is answered. */
  serve(path: string, req: IncomingMessage, res: ServerResponse): Promise<boolean>;
}

/**
 * Of an answer to a read of a signed address, refusals included. The address is the permission: a page of any origin
 * that holds one may show the file, read it, play parts of it and draw it on a canvas. No credentials are let pass.
 */
const READ_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers':
    'Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Last-Modified, Retry-After, X-Request-ID',
  'Cross-Origin-Resource-Policy': 'cross-origin',
};

/** Of the answer to a page that asks whether it may read. The star covers every header but Authorization. */
const PREFLIGHT_HEADERS = {
  ...READ_HEADERS,
  'Access-Control-Allow-Methods': 'GET, HEAD',
  'Access-Control-Allow-Headers': '*, Authorization, Range, If-Range, If-None-Match, If-Modified-Since',
  'Access-Control-Max-Age': '600',
};

/** Files at signed addresses: read by any page that holds one, put only by pages that may call. */
export function createFileRoutes({ artifacts, variants, maxDownloads, admitPage }: FileRoutesOptions): FileRoutes {
  const downloads = createShares(maxDownloads);

  /** Resolves as the route does. */
  async function serveBy(route: ArtifactRoute, req: IncomingMessage, res: ServerResponse): Promise<boolean> {
    const isPreflight = req.method === 'OPTIONS';
    const method = isPreflight ? req.headers['access-control-request-method'] : req.method;
    if (method === 'PUT') admitPage(req, res, 'PUT');
    else setHeaders(res, isPreflight ? PREFLIGHT_HEADERS : READ_HEADERS);
    if (isPreflight) {
      res.writeHead(204, { Allow: 'GET, HEAD, PUT, OPTIONS' }).end();
      return true;
    }
    if (req.method === 'GET') {
      const client = clientAddress(req);
      if (!downloads.take(client)) return refuse(res, 'tooManyDownloads', { 'Retry-After': '10' });
      res.once('close', () => downloads.give(client));
    }
    return route.serve(req, res);
  }

  return {
    use: downloads.use,
    kind(path, method) {
      if (variants && path.startsWith(variants.path)) return 'variant';
      if (artifacts && path.startsWith(artifacts.path)) return method === 'PUT' ? 'upload' : 'download';
      return null;
    },
    async serve(path, req, res) {
      if (variants && path.startsWith(variants.path) && (await serveBy(variants, req, res))) return true;
      return artifacts !== undefined && path.startsWith(artifacts.path) && serveBy(artifacts, req, res);
    },
  };
}
