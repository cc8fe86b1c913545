import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ArtifactStore, StorageError } from '../artifacts/artifact-store.ts';
import { uploadKey } from '../artifacts/keys.ts';
import { createSemaphore, TooManyWaitingError } from '../async/semaphore.ts';
import { type NodeDefinitionsDirectory, reachedFirst } from '../backends/node-definitions.ts';
import { auditedAs, type Identity } from '../callers/identity.ts';
import { badInput, GatewayError, type IssueCode, unavailable } from '../core/errors.ts';
import type { NodeDefinitions } from '../core/node-definitions.ts';
import { isUuid } from '../core/uuid.ts';
import { SpoolError, spool } from '../files/spool.ts';
import { type Audit, audited } from '../observability/audit.ts';
import type { UploadStore } from '../uploads/upload.ts';
import { AddError, addWorkflow } from '../workflows/add/add-workflow.ts';
import { workflowName } from '../workflows/add/names.ts';
import type { Workflow } from '../workflows/catalogue.ts';
import { answered } from './answered.ts';

export interface AddWorkflowRequest {
  identity: Identity;
  requestId: string;
  /** Where the call came from, for the audit log. */
  address?: string | undefined;
  /** A graph in API format or as the editor saves it, or the id of an upload in which one of them is. */
  source: { graph: unknown } | { upload: string };
  /** Null: made of the upload's file name. */
  name: string | null;
  /** Whether one of that name is overwritten. */
  replace: boolean;
  /** Aborts when the client has left. */
  signal: AbortSignal;
}

/** Makes a workflow of the catalogue of a file, as `comfygate workflow add` does. */
export interface WorkflowAdder {
  /** Resolves once this gateway offers it; `notes` say what was guessed or left out. Rejects with GatewayError. */
  add(request: AddWorkflowRequest): Promise<{ workflow: Workflow; notes: string[] }>;
}

export interface WorkflowAdderOptions {
  /** The workflows folder. */
  dir: string;
  maxMegapixels: number;
  /** Resolves once the catalogue has just this; rejects with the signal's reason. */
  untilOffered(workflow: Workflow, signal: AbortSignal): Promise<Workflow>;
  nodeDefinitions: Pick<NodeDefinitionsDirectory, 'tryRead'>;
  stock: () => Promise<NodeDefinitions>;
  uploads: Pick<UploadStore, 'get'>;
  artifacts: Pick<ArtifactStore, 'read'>;
  audit: Audit;
  /** Called with the reason why a call was answered UNAVAILABLE. */
  onRedisDown: (error: unknown) => void;
}

/** Of a picture or film. A workflow in it is a megabyte at most, and is not always at its beginning. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const READ_TIMEOUT_MS = 30_000;
/** A gateway takes a change within two seconds; some more for a machine that has much to do. */
const OFFERED_WITHIN_MS = 15_000;
/** One after the other, until it is offered: each looks at the names that there are, and the next may replace it. */
const MOST_WAITING = 10;

export function createWorkflowAdder(options: WorkflowAdderOptions): WorkflowAdder {
  const { dir, maxMegapixels, untilOffered, nodeDefinitions, uploads, artifacts, audit, onRedisDown } = options;
  const turns = createSemaphore({ atOnce: 1, waiting: MOST_WAITING });

  /** Writes the source to a file in `folder`. Gives its path, and the name that it makes. */
  async function fetchSource({ source, identity, signal, name }: AddWorkflowRequest, folder: string) {
    if ('graph' in source) {
      if (name === null) throw badInput([issue('name', 'required', 'expected a name, since a graph brings none')]);
      const file = join(folder, 'graph.json');
      await writeFile(file, JSON.stringify(source.graph));
      return { file, name };
    }
    const upload = isUuid(source.upload) ? await uploads.get(source.upload) : null;
    if (upload?.caller !== identity.caller) throw refusedUpload('not_found', 'expected the id of an upload of yours');
    if (upload.sizeBytes > MAX_FILE_BYTES) {
      throw refusedUpload('too_big', `expected a file of at most ${MAX_FILE_BYTES} bytes, got ${upload.sizeBytes}`);
    }
    const limit = AbortSignal.any([signal, AbortSignal.timeout(READ_TIMEOUT_MS)]);
    try {
      const bytes = await artifacts.read(uploadKey(upload.id), { signal: limit });
      if (!bytes) throw refusedUpload('not_uploaded', 'expected an upload whose file has been put to its address');
      const { path } = await spool(bytes, folder, { maxBytes: MAX_FILE_BYTES, signal: limit });
      return { file: path, name: name ?? workflowName(upload.filename) };
    } catch (error) {
      if (error instanceof SpoolError) throw unavailable('the file cannot be read right now', 10, error);
      if (!(error instanceof StorageError) && (!limit.aborted || signal.aborted)) throw error;
      throw unavailable('the artifact storage cannot be reached', 10, error);
    }
  }

  async function add(request: AddWorkflowRequest) {
    const { source, replace } = request;
    const folder = await mkdtemp(join(tmpdir(), 'comfygate-adding-'));
    try {
      const { file, name } = await fetchSource(request, folder);
      const stock = await options.stock();
      const candidates = [...reachedFirst((await nodeDefinitions.tryRead()) ?? []), stock];
      return await addWorkflow({ file, name, dir, force: replace, candidates, stock, maxMegapixels });
    } catch (error) {
      throw error instanceof AddError ? refusalOf(error, 'graph' in source ? 'graph' : 'upload') : error;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async function offered(workflow: Workflow, signal: AbortSignal): Promise<Workflow> {
    const late = AbortSignal.timeout(OFFERED_WITHIN_MS);
    try {
      return await untilOffered(workflow, AbortSignal.any([signal, late]));
    } catch (error) {
      if (!late.aborted) throw error;
      const message = `${workflow.name} was added, and this gateway has not taken it yet: its log says why`;
      throw unavailable(message, 5, error);
    }
  }

  return {
    add(request) {
      const { identity, requestId, address, source, name, signal } = request;
      const uploadId = 'upload' in source ? source.upload : undefined;
      const call = { ...auditedAs(identity), requestId, address, uploadId, ...(name !== null && { workflow: name }) };
      return audited(audit, { action: 'addWorkflow', ...call }, (record) =>
        answered(onRedisDown, async () => {
          try {
            return await turns.run(async () => {
              const { workflow, notes } = await add(request);
              record({ outcome: 'done', workflow: workflow.name });
              return { workflow: await offered(workflow, signal), notes };
            }, signal);
          } catch (error) {
            if (error instanceof TooManyWaitingError) throw unavailable('too many are being added', 5, error);
            // No fault of this gateway. A reason of its own is that the key of the caller has ended.
            const hasLeft = error === signal.reason && !(error instanceof GatewayError);
            throw hasLeft ? unavailable('the client has left', 1, error) : error;
          }
        }),
      );
    },
  };
}

const issue = (field: string, code: IssueCode, message: string) => ({ path: ['input', field], code, message });

function refusedUpload(code: IssueCode, message: string): GatewayError {
  return badInput([{ path: ['input', 'source', 'upload'], code, message }]);
}

const BY_HAND = 'an operator adds it where the folder is kept, by `comfygate workflow add`';

function refusalOf(error: AddError, source: 'graph' | 'upload'): GatewayError {
  const { reason, faults } = error;
  const [fault = ''] = faults;
  switch (reason) {
    case 'file': {
      const path = ['input', 'source', source];
      return badInput(faults.map((message) => ({ path, code: 'invalid_workflow' as const, message })));
    }
    case 'name':
      return badInput([issue('name', 'invalid_format', fault)]);
    case 'twin':
      return badInput([issue('name', 'name_taken', `${fault}: choose another name`)]);
    case 'exists':
      return new GatewayError(`${fault}: choose another, or give \`replace: true\``, { code: 'CONFLICT' });
    case 'full':
      return new GatewayError(fault, { code: 'LIMIT_EXCEEDED' });
    case 'unwritable':
      return new GatewayError(`${fault}: ${BY_HAND}`, { code: 'FORBIDDEN' }, { cause: error });
    case 'noRoom':
      return unavailable(fault, 60, error);
  }
}
