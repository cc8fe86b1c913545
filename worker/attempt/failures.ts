import { StorageError } from '../../src/artifacts/artifact-store.ts';
import { type Artifact, type JobError, type JobErrorCode, retryableErrorCodes } from '../../src/core/job.ts';
import { isErrno } from '../../src/files/errno.ts';
import { SpoolError } from '../../src/files/spool.ts';
import { type Interruption, type NodeFailure, UNKNOWN_EXCEPTION } from '../comfyui/outcome.ts';
import { scrub } from '../comfyui/redact.ts';
import type { Rejection } from '../comfyui/rejection.ts';

/** Ends the job as FAILED with this error, whatever attempts are left. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure';
  readonly error: JobError;
  readonly code: JobErrorCode;
  /** What is to be cleaned up once the job is FAILED. */
  readonly afterwards: (() => Promise<void>) | undefined;
  /** Results that are delivered all the same; null: those that were shown before. */
  readonly artifacts: Artifact[] | null;

  constructor(
    error: JobError,
    options: { cause?: unknown; afterwards?: () => Promise<void>; artifacts?: Artifact[] } = {},
  ) {
    super(error.message, { cause: options.cause });
    this.error = error;
    this.code = error.code;
    this.afterwards = options.afterwards;
    this.artifacts = options.artifacts ?? null;
  }
}

/**
 * The attempt is over and the job goes back into the queue. `counts`: it was ComfyUI's fault in the middle of the work,
 * of which there may be JOB_ATTEMPTS; otherwise nothing was begun, or somebody else goes on with it.
 */
export class Retry extends Error {
  override readonly name = 'Retry';
  readonly counts: boolean;
  /** Milliseconds until it is delivered again; null: by `retryDelayMs`. */
  readonly delayMs: number | null;

  constructor(reason: string, options: { counts: boolean; delayMs?: number; cause?: unknown }) {
    super(reason, { cause: options.cause });
    this.counts = options.counts;
    this.delayMs = options.delayMs ?? null;
  }
}

/**
 * What this worker lacks, wherever that showed: a file descriptor, room on its own disk, a storage that takes what it
 * brings. It is no fault of the job, which is put back, and another worker may have it. Null: none of these.
 */
export function workerFault(cause: unknown): string | null {
  if (isErrno(cause, 'EMFILE', 'ENFILE')) return 'its machine has no file descriptor left';
  if (cause instanceof StorageError) {
    if (cause.reason === 'denied') return `the storage for results refuses it: ${cause.message}`;
    return cause.isOutOfDescriptors ? workerFault(cause.cause) : null;
  }
  if (cause instanceof SpoolError && cause.reason === 'full') return DISK_FAULT;
  if (isErrno(cause, 'ENOSPC', 'EDQUOT', 'EROFS', 'EIO')) return DISK_FAULT;
  return cause instanceof Error ? workerFault(cause.cause) : null;
}

const DISK_FAULT = 'its disk for temporary files (TMPDIR) takes no more';

/**
 * Why a job FAILED, as its caller reads it. Whether the same job may succeed later depends on the code, unless
 * `details` say it.
 */
export function jobError(code: JobErrorCode, message: string, details: Partial<JobError> = {}): JobError {
  return { code, message, nodeId: null, classType: null, retryable: RETRYABLE.has(code), ...details };
}

const RETRYABLE: ReadonlySet<JobErrorCode> = new Set(retryableErrorCodes);

/** ComfyUI refused the graph. */
export function rejectionError({ nodeId, classType, text }: Rejection): JobError {
  return jobError('WORKFLOW_REJECTED', inNode(nodeId, classType, text), { nodeId, classType });
}

/** A node raised while it ran. `apiKey`: the key that it was given, which it must not show. */
export function executionError(failure: NodeFailure, apiKey: string | null = null): JobError {
  const code = isOutOfMemory(failure) ? 'OUT_OF_MEMORY' : 'EXECUTION_FAILED';
  const { nodeId, classType } = failure;
  return jobError(code, inNode(nodeId, classType, exceptionText(failure, apiKey)), { nodeId, classType });
}

/** As Python shows it, `RuntimeError: no`: some exceptions say nothing, or too little without their type. */
function exceptionText({ exceptionType, text }: NodeFailure, apiKey: string | null): string {
  const said = scrub(without(apiKey, text));
  const type = exceptionType === UNKNOWN_EXCEPTION ? undefined : /(?:^|\.)([A-Z]\w{0,63})$/i.exec(exceptionType)?.[1];
  if (said === '') return type ?? 'it failed without saying why';
  // The type of all says nothing.
  return type === undefined || type === 'Exception' || said.startsWith(type) ? said : `${type}: ${said}`;
}

/** A prompt that ended well has left no result. `blocked`: an input that was blocked, which may be the reason. */
export function noOutputError(message: string, blocked: NodeFailure | null, apiKey: string | null = null): JobError {
  if (!blocked) return jobError('NO_OUTPUT', scrub(message));
  const { nodeId, classType, text } = blocked;
  return jobError('NO_OUTPUT', scrub(`${message}. ${inNode(nodeId, classType, without(apiKey, text))}`), {
    nodeId,
    classType,
  });
}

/**
 * A result of a node is not what it should be. `mayHelp`: whether another run may make it so.
 */
export function outputError(
  output: { node: string; classType: string | null; filename: string },
  fault: string,
  mayHelp: boolean,
): JobError {
  const { node: nodeId, classType, filename } = output;
  const details = { nodeId, classType, retryable: mayHelp };
  return jobError('OUTPUT_INVALID', inNode(nodeId, classType, `${filename} ${fault}`), details);
}

/** A node stopped the run, or somebody did at ComfyUI: history does not tell which. */
export function interruptedError({ nodeId, classType }: Interruption): JobError {
  return jobError('INTERRUPTED', inNode(nodeId, classType, 'the run was stopped, by the node or at ComfyUI'), {
    nodeId,
    classType,
  });
}

/** Of the GPU's memory, or, by what PyTorch says, of the machine's own. */
export function isOutOfMemory({ exceptionType, text }: NodeFailure): boolean {
  return /(?:^|\.)(?:OutOfMemoryError|MemoryError)$/.test(exceptionType) || OUT_OF_MEMORY_TEXT.test(text);
}

const OUT_OF_MEMORY_TEXT =
  /\bout of memory\b|ran out of memory|DefaultCPUAllocator: (?:can't|not enough)|cannot allocate memory/i;

/** Storage did not take a result, however often it was asked. */
export function storageError(cause: StorageError): JobError {
  if (cause.reason === 'full') return jobError('STORAGE_FULL', 'The storage for results has no room');
  return jobError('STORAGE_UNAVAILABLE', 'The storage for results could not take this one');
}

/** Before it is cut anywhere: what is left of a secret then could not be told. */
function without(secret: string | null, text: string): string {
  return secret === null ? text : text.replaceAll(secret, '[secret]');
}

function inNode(nodeId: string | null, classType: string | null, text: string): string {
  const clean = scrub(text);
  if (nodeId === null) return clean;
  return scrub(`${classType ?? 'node'} (node ${nodeId}): ${clean}`);
}

/**
 * 1 s after the first failure, doubled with each, at most 30 s; less a random part of up to a fifth, so that jobs
 * spread.
 */
export function retryDelayMs(failures: number, random: () => number): number {
  return Math.min(30_000, 1_000 * 2 ** failures) * (0.8 + random() * 0.2);
}
