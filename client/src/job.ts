/** QUEUED and RUNNING jobs are under way; SUCCEEDED, FAILED and CANCELED are final. */
export type JobStatus = 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELED';

export type Priority = 'LOW' | 'NORMAL' | 'HIGH';

export type JobErrorCode =
  | 'COMFYUI_UNAVAILABLE'
  | 'EXECUTION_FAILED'
  | 'INPUT_INVALID'
  | 'INTERNAL'
  | 'INTERRUPTED'
  | 'NO_OUTPUT'
  | 'OUTPUT_INVALID'
  | 'OUT_OF_MEMORY'
  | 'STORAGE_FULL'
  | 'STORAGE_UNAVAILABLE'
  | 'TIMEOUT'
  | 'WORKFLOW_REJECTED';

/** How far a job is. */
export interface Progress {
  /** 0 to 1. */
  fraction: number;
  nodesDone: number;
  nodesTotal: number;
  /** The node of the graph that is running. */
  node: {
    nodeId: string;
    classType: string;
    title: string | null;
    step: number | null;
    totalSteps: number | null;
  } | null;
}

/** A picture of the work under way, small and rough. */
export interface Preview {
  contentType: string;
  /** Base64. */
  data: string;
  /** The same as a `data:` address, for `<img src>`. */
  url: string;
}

interface ArtifactFields {
  /** Unique; the artifact itself is an input of another job. */
  id: string;
  filename: string;
  /** Media type, found from its bytes. */
  contentType: string;
  /** Bytes. */
  size: number;
  sha256: string;
  /** Id of the node that made it. */
  node: string;
  /** The name that the workflow gives to this output. */
  output: string | null;
  /** A signed address that needs no other credential, until `urlExpiresAt`; ask for the job again after that. */
  url: string;
  urlExpiresAt: string;
}
export interface ImageArtifact extends ArtifactFields {
  __typename: 'ImageArtifact';
  /** Pixels. */
  width: number;
  height: number;
  /** Address of the picture as WebP, at most 512 pixels wide. */
  thumbnail: string;
}
export interface VideoArtifact extends ArtifactFields {
  __typename: 'VideoArtifact';
  width: number;
  height: number;
  durationSeconds: number | null;
}
export interface AudioArtifact extends ArtifactFields {
  __typename: 'AudioArtifact';
  durationSeconds: number | null;
}
export interface TextArtifact extends ArtifactFields {
  __typename: 'TextArtifact';
  /** Only where a single job was asked for, and in the result of a run: it is read from storage. */
  text?: string;
}
export interface FileArtifact extends ArtifactFields {
  __typename: 'FileArtifact';
}
/** A file that a job made. */
export type Artifact = ImageArtifact | VideoArtifact | AudioArtifact | TextArtifact | FileArtifact;

/** One run of a workflow. Instants are RFC 3339. */
export interface Job {
  id: string;
  status: JobStatus;
  /** Number of its last event. */
  seq: number;
  workflow: string;
  /** As run: with defaults and the seed that was drawn. */
  parameters: Record<string, unknown>;
  priority: Priority;
  tags: string[];
  /** How many jobs will start before it. */
  queuePosition: number | null;
  attempts: number;
  backend: string | null;
  progress: Progress;
  /** Why it FAILED. */
  error: {
    code: JobErrorCode;
    message: string;
    /** Whether the same job may succeed another time. */
    retryable: boolean;
    nodeId: string | null;
    classType: string | null;
  } | null;
  timings: { nodeId: string; classType: string; ms: number; cached: boolean }[];
  /** Each as soon as it is stored; all of them when SUCCEEDED. */
  artifacts: Artifact[];
  retryOf: string | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  deadlineAt: string;
  cancelRequestedAt: string | null;
  /** When it and its files are removed. */
  expiresAt: string | null;
}

export type JobEventType =
  | 'SNAPSHOT'
  | 'QUEUED'
  | 'MOVED'
  | 'STARTED'
  | 'PROGRESS'
  | 'PREVIEW'
  | 'OUTPUT'
  | 'RETRYING'
  | 'CANCEL_REQUESTED'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'CANCELED';

/** One step in a job's life. */
export interface JobEvent {
  type: JobEventType;
  /** Number of this event; PREVIEW and MOVED have that of the event before. */
  seq: number;
  at: string;
  /** The job, at least as new as this event. */
  job: Job;
  preview: Preview | null;
}

export interface JobFilter {
  status?: JobStatus[];
  workflow?: string;
  tag?: string;
  createdAfter?: string;
  createdBefore?: string;
}

export interface JobPage {
  /** Newest first. */
  nodes: Job[];
  /** The next page begins `after` `endCursor`. */
  pageInfo: { endCursor: string | null; hasNextPage: boolean };
}

/** What a job that has SUCCEEDED made. */
export interface Result {
  job: Job;
  artifacts: Artifact[];
  images: ImageArtifact[];
  videos: VideoArtifact[];
  audios: AudioArtifact[];
  texts: TextArtifact[];
  files: FileArtifact[];
}

export const hasEnded = ({ status }: Pick<Job, 'status'>) => status !== 'QUEUED' && status !== 'RUNNING';

export function resultOf(job: Job): Result {
  const { artifacts } = job;
  const of = <T extends Artifact['__typename']>(type: T) =>
    artifacts.filter((artifact): artifact is Extract<Artifact, { __typename: T }> => artifact.__typename === type);
  return {
    job,
    artifacts,
    images: of('ImageArtifact'),
    videos: of('VideoArtifact'),
    audios: of('AudioArtifact'),
    texts: of('TextArtifact'),
    files: of('FileArtifact'),
  };
}
