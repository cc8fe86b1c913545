import * as z from 'zod';
import { type ArtifactStore, StorageError } from '../artifacts/artifact-store.ts';
import { safeFilename } from '../artifacts/filename.ts';
import { uploadKey } from '../artifacts/keys.ts';
import { auditedAs } from '../callers/identity.ts';
import { createPlans, type Plan, type Plans } from '../callers/plans.ts';
import { badInput, GatewayError, unavailable } from '../core/errors.ts';
import { toInputIssue } from '../core/zod-issue.ts';
import { type Audit, audited, noAudit } from '../observability/audit.ts';
import { isRedisDown, whyRedisFails } from '../redis/is-down.ts';
import type { OpenUpload, UploadRequest, UploadStore, Uploads } from './upload.ts';

export interface UploadsOptions {
  store: Pick<UploadStore, 'add'>;
  artifacts: Pick<ArtifactStore, 'uploadUrl'>;
  /** Default: there are none, and who has one is refused. */
  plans?: Plans;
  /** The largest file that may be announced. */
  maxBytes: number;
  /** Returns a new UUID. */
  newId: () => string;
  /** Called with the reason why a call was answered UNAVAILABLE. */
  onRedisDown: (error: unknown) => void;
  /** Default: nothing is recorded. */
  audit?: Audit;
}

/** How long the signed URL accepts the file, and how long the file is kept without a job that uses it. */
const LIFE_SECONDS = 24 * 3600;
/**
 * A PUT may begin in the last second of its URL. The record must outlive that transfer, since a file that is stored
 * without a record would never be removed.
 */
const RECORD_OUTLIVES_MS = 3_600_000;

const UNTIL = 'name them in a job, or wait until they expire, a day after they were announced';
const TOO_MANY = {
  tooManyOfClient: `Your address has announced too many uploads that no job names: ${UNTIL}.`,
  tooMany: `There are too many uploads that no job names: ${UNTIL}.`,
};

/**
 * A media type without parameters, in lower case: of sound and film any, of pictures what ComfyUI reads, as
 * worker/inputs/inspect-input.ts knows it by the bytes, with the names that some browsers have for it.
 */
const CONTENT_TYPE = new RegExp(
  '^(?:image/(?:png|apng|jpe?g|webp|gif|bmp|x-ms-bmp|tiff|avif)' +
    '|(?:audio|video)/(?!.*\\+xml$)[a-z0-9][a-z0-9.+-]{0,60})$',
);
const EXPECTED_TYPE =
  'expected a type of audio or video, or image/png, image/jpeg, image/webp, image/gif, image/bmp, image/tiff or ' +
  'image/avif; send HEIC photos as JPEG';

const contentType = z
  .string()
  .max(200, EXPECTED_TYPE)
  .transform((text) => text.split(';', 1)[0]?.trim().toLowerCase() ?? '')
  .pipe(z.string().regex(CONTENT_TYPE, EXPECTED_TYPE));

function requestSchema(maxBytes: number) {
  const expected = `expected 1 to ${maxBytes} bytes`;
  return z.object({
    filename: z.string().min(1, 'expected a name').max(255, 'expected at most 255 characters'),
    contentType,
    size: z.int().min(1, expected).max(maxBytes, expected),
  });
}

/** After it an upload may have been named, and so counts no more. */
const USUAL_WAIT_SECONDS = 10;

function refusalOf(found: 'tooManyOfClient' | 'tooMany' | { openBytes: number }, plan: Plan): GatewayError {
  const { openUploads, uploadBytes } = plan;
  const isBytes = typeof found === 'object';
  const limit = isBytes ? uploadBytes : openUploads;
  if (found === 'tooMany' || limit === null) {
    return new GatewayError(TOO_MANY[isBytes ? 'tooMany' : found], { code: 'LIMIT_EXCEEDED' });
  }
  const [name, remaining] = isBytes ? ['uploadBytes', Math.max(0, limit - found.openBytes)] : ['openUploads', 0];
  return new GatewayError(
    `the ${name} of your plan ${plan.name}, ${limit}, are used up by files that no job names: ${remaining} are left; ` +
      UNTIL,
    { code: 'QUOTA_EXCEEDED', retryAfter: USUAL_WAIT_SECONDS, name, limit, remaining },
  );
}

/** Creates signed URLs to which callers upload their files. */
export function createUploads(options: UploadsOptions): Uploads {
  const { store, artifacts, maxBytes, newId, onRedisDown, audit = noAudit } = options;
  const { plans = createPlans(() => new Map()) } = options;
  const schema = requestSchema(maxBytes);

  async function create(request: UploadRequest): Promise<OpenUpload> {
    const { client, identity, filename, contentType, sizeBytes } = request;
    const plan = plans.of(identity);
    const parsed = schema.safeParse({ filename, contentType, size: sizeBytes });
    if (!parsed.success) {
      throw badInput(parsed.error.issues.map((issue) => toInputIssue(issue, ['input'])));
    }
    const { id = newId() } = request;
    const { contentType: type, size } = parsed.data;
    try {
      const address = await artifacts.uploadUrl(uploadKey(id), {
        contentType: type,
        sizeBytes: size,
        expiresInSeconds: LIFE_SECONDS,
      });
      const { caller } = identity;
      const upload = { id, caller, filename: safeFilename(filename, 'file'), contentType: type, sizeBytes: size };
      // Who has a plan is bounded by it, from wherever it calls.
      const counted = { ...upload, client: identity.plan === null ? client : caller };
      const added = await store.add(counted, LIFE_SECONDS * 1000 + RECORD_OUTLIVES_MS, plan);
      if (added === 'retired') throw unavailable('the same file of an earlier call is just being removed', 5);
      if (added !== 'added') throw refusalOf(added, plan);
      return { id, method: 'PUT', ...address };
    } catch (error) {
      if (error instanceof StorageError) throw unavailable('the artifact storage cannot be reached', 10, error);
      if (!isRedisDown(error)) throw error;
      onRedisDown(error);
      throw unavailable(whyRedisFails(error), 2, error);
    }
  }

  return {
    create(request) {
      const { identity, requestId, address } = request;
      return audited(audit, { action: 'upload', ...auditedAs(identity), requestId, address }, async (record) => {
        const upload = await create(request);
        record({ outcome: 'accepted', uploadId: upload.id });
        return upload;
      });
    },
  };
}
