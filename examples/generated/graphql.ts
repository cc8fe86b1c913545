/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** What a workflow makes, by the type of its artifacts. */
export type ArtifactKind =
  /** Sound: AudioArtifact. */
  | 'AUDIO'
  /** Files of other kinds: FileArtifact. */
  | 'FILE'
  /** Pictures: ImageArtifact. */
  | 'IMAGE'
  /** Text: TextArtifact. */
  | 'TEXT'
  /** Films: VideoArtifact. */
  | 'VIDEO';

/** An input file for a node such as LoadImage. */
export type CustomFileInput = {
  /** The file. */
  file: FileInput;
  /** The input that gets the name of the file, such as `image`; a value that the graph has there is replaced. */
  input: string;
  /** What it must be; when absent, one of these, whichever. */
  kind?: FileKind | null | undefined;
  /** Id of a node of the graph. */
  node: string;
};

/** A graph of your own. */
export type CustomWorkflowInput = {
  /** The same graph as ComfyUI's editor saves it (File > Save), for nodes that read it from `extra_pnginfo.workflow`; within the bounds of a graph. Absent: `graph`, where that is one. */
  editorWorkflow?: unknown;
  /** Input files of the graph, at most 16. */
  files?: Array<CustomFileInput> | null | undefined;
  /** ComfyUI API format, node id -> {class_type, inputs}, or what ComfyUI's editor saves, which is converted by the classes of your servers; `Job.parameters` shows the graph that runs. No number is rounded: whole ones beyond 2^53-1, such as seeds of 64 bits, may be numbers or texts, and `Job.parameters` has them as texts. */
  graph: unknown;
  /** Whether PNG files keep the graph that ComfyUI writes into them. */
  keepMetadata?: boolean | null | undefined;
  /** At most 64 characters of [A-Za-z0-9_-], no catalogue name; only shown. */
  name?: string | null | undefined;
  /** Ids of the nodes whose results are wanted, temporary ones (previews) too; absent: the final results of all nodes. */
  outputs?: Array<string> | null | undefined;
};

/** An input file: one that was uploaded, a public address that the worker fetches (https, no private network), or a result of a job of your own. */
export type FileInput =
  {   /** Id of an artifact of a job of your own, which must be there until this job has begun: it goes with its job. */
  artifact: string | number; upload?: never; url?: never; }
  |  { artifact?: never;   /** Id of an upload whose file has been put to its address. */
  upload: string | number; url?: never; }
  |  { artifact?: never; upload?: never;   /** An https address of at most 2048 characters, without user name and password. */
  url: string; };

/** What an input file must be, by its bytes. */
export type FileKind =
  /** Sound. */
  | 'AUDIO'
  /** A picture. */
  | 'IMAGE'
  /** A picture that says where: its alpha, or how light it is. */
  | 'MASK'
  /** A film. */
  | 'VIDEO';

/** What to run, and how. */
export type GenerateInput = {
  /** A secret: your key of comfy.org for partner nodes, instead of that of the installation, 1 to 255 printable ASCII characters. Kept encrypted until the job has ended, and never shown; `retryJob` runs without it. */
  comfyOrgApiKey?: string | null | undefined;
  /** From acceptance, waiting included: a job that has not ended by then is FAILED with TIMEOUT. Default and maximum from configuration. */
  deadlineSeconds?: number | null | undefined;
  /** 1 to 255 printable characters, unique per caller and kept 24 hours: the same key and input give the same job. */
  idempotencyKey: string;
  /** Which jobs start first. */
  priority?: Priority | null | undefined;
  /** The caller's own labels, at most 16, each 1 to 64 characters. */
  tags?: Array<string> | null | undefined;
  /** Hold the answer until the job has ended, at most 60: one call for scripts that cannot watch. */
  waitSeconds?: number | null | undefined;
  /** The workflow with its parameters. */
  workflow: WorkflowInput;
};

/** Parameters of the workflow `imageToImage`: Makes a picture after another one and a text, with a Stable Diffusion checkpoint. */
export type ImageToImageInput = {
  /** How closely the picture follows the prompt. 1 to 30. */
  cfgScale?: number | null | undefined;
  /** How far to leave the picture: 0 keeps it, 1 takes only its size. 0 to 1. */
  denoise?: number | null | undefined;
  /** The picture to begin with. The result has its size, cut to a multiple of 8 pixels. A picture. */
  image: FileInput;
  /** File name of the checkpoint. 1 to 255 characters; absent: `v1-5-pruned-emaonly.safetensors`. */
  model?: string | null | undefined;
  /** What the picture does not show. At most 2000 characters. */
  negativePrompt?: string | null | undefined;
  /** What the picture shows. 1 to 5000 characters. */
  prompt: string;
  /** The sampling method. */
  sampler?: Sampler | null | undefined;
  /** How the noise falls from step to step. */
  scheduler?: Scheduler | null | undefined;
  /** Where the noise starts: the same seed and input make the same picture. Random when absent; the one used is in the job's parameters. 0 to 2^53-1. */
  seed?: number | null | undefined;
  /** How many steps the sampler takes: more are slower and usually finer. 1 to 150. */
  steps?: number | null | undefined;
};

/** Parameters of the workflow `inpaint`: Paints anew what a mask covers of a picture, with a Stable Diffusion checkpoint, one made for inpainting or any other. */
export type InpaintInput = {
  /** How closely the picture follows the prompt. 1 to 30. */
  cfgScale?: number | null | undefined;
  /** How far to leave what the mask covers: 1 paints it without looking at it. 0 to 1. */
  denoise?: number | null | undefined;
  /** Pixels by which the mask is grown, so that no seam shows. 0 to 64. */
  growMask?: number | null | undefined;
  /** The picture. A picture. */
  image: FileInput;
  /** Where to paint, of the same size as the picture: white is painted, black is kept. A picture that is a mask. */
  mask: FileInput;
  /** What of the mask counts. `ALPHA`: where it is transparent is painted, as in the masks of ComfyUI's editor. */
  maskChannel?: MaskChannel | null | undefined;
  /** File name of the checkpoint. 1 to 255 characters; absent: `v1-5-pruned-emaonly.safetensors`. */
  model?: string | null | undefined;
  /** What the painted part does not show. At most 2000 characters. */
  negativePrompt?: string | null | undefined;
  /** What the painted part shows. 1 to 5000 characters. */
  prompt: string;
  /** The sampling method. */
  sampler?: Sampler | null | undefined;
  /** How the noise falls from step to step. */
  scheduler?: Scheduler | null | undefined;
  /** Where the noise starts: the same seed and input make the same picture. Random when absent; the one used is in the job's parameters. 0 to 2^53-1. */
  seed?: number | null | undefined;
  /** How many steps the sampler takes: more are slower and usually finer. 1 to 150. */
  steps?: number | null | undefined;
};

/** Why a job failed. */
export type JobErrorCode =
  /** ComfyUI was lost in each of the attempts. */
  | 'COMFYUI_UNAVAILABLE'
  /** A node raised an error. */
  | 'EXECUTION_FAILED'
  /** An input file could not be fetched, or is not what it should be. */
  | 'INPUT_INVALID'
  /** A fault of the gateway; its log says more. */
  | 'INTERNAL'
  /** A node, or somebody at ComfyUI, stopped the run. */
  | 'INTERRUPTED'
  /** It succeeded and left nothing. */
  | 'NO_OUTPUT'
  /** A file was missing, truncated or not what it says. */
  | 'OUTPUT_INVALID'
  /** ComfyUI ran out of memory. */
  | 'OUT_OF_MEMORY'
  /** There was no room for the results. */
  | 'STORAGE_FULL'
  /** The results could not be stored. */
  | 'STORAGE_UNAVAILABLE'
  /** Its deadline passed, or an attempt ran for too long. */
  | 'TIMEOUT'
  /** ComfyUI refused the graph. */
  | 'WORKFLOW_REJECTED';

/** What happened to a job. */
export type JobEventType =
  /** Ended because the caller asked for it. The last event. */
  | 'CANCELED'
  /** The caller wants it canceled while it runs; CANCELED follows. */
  | 'CANCEL_REQUESTED'
  /** Ended without a result. The last event. */
  | 'FAILED'
  /** Its place in the queue is another: `Job.queuePosition`. At most one a second, only for who watches just then, never replayed. */
  | 'MOVED'
  /** One artifact more is stored, or several: `Job.artifacts` has them. At most 4 a second. */
  | 'OUTPUT'
  /** A picture of the work under way; only where `previews` is true, never replayed. */
  | 'PREVIEW'
  /** It got further. At most about 10 a second. */
  | 'PROGRESS'
  /** It was accepted. */
  | 'QUEUED'
  /** An attempt failed; the job is in the queue again. */
  | 'RETRYING'
  /** Nothing happened: this is how the job stands, from where a watcher goes on. */
  | 'SNAPSHOT'
  /** A worker took it. Happens again after a retry, or when another worker takes over. */
  | 'STARTED'
  /** Done. The last event. */
  | 'SUCCEEDED';

/** Which jobs: those that fit everything that is given. */
export type JobFilter = {
  /** Accepted later than this. */
  createdAfter?: string | null | undefined;
  /** Accepted earlier than this. */
  createdBefore?: string | null | undefined;
  /** In one of these states. */
  status?: Array<JobStatus> | null | undefined;
  /** With this among its tags. */
  tag?: string | null | undefined;
  /** Of this workflow: a name in the catalogue, or `custom`. */
  workflow?: string | null | undefined;
};

/** Where a job is in its life. SUCCEEDED, FAILED and CANCELED are final. */
export type JobStatus =
  /** Ended because the caller asked for it. */
  | 'CANCELED'
  /** Ended without its results, or without all of them; `Job.error` says why. */
  | 'FAILED'
  /** Accepted, and waiting for a worker. */
  | 'QUEUED'
  /** A worker has it. */
  | 'RUNNING'
  /** Done; its artifacts are stored and verified. */
  | 'SUCCEEDED';

/** Choices of ComfyUI under names that GraphQL takes. */
export type MaskChannel =
  /** ComfyUI calls it `alpha`. */
  | 'ALPHA'
  /** ComfyUI calls it `blue`. */
  | 'BLUE'
  /** ComfyUI calls it `green`. */
  | 'GREEN'
  /** ComfyUI calls it `red`. */
  | 'RED';

/** What a parameter takes. */
export type ParameterType =
  /** True or false. */
  | 'BOOLEAN'
  /** One of `choices`. */
  | 'ENUM'
  /** An input file. */
  | 'FILE'
  /** A number. */
  | 'FLOAT'
  /** An integer of 32 bits. */
  | 'INT'
  /** Name of a model file; `choices` are those of the running ComfyUIs. */
  | 'MODEL'
  /** Start of the random numbers, 0 to 2^53-1; drawn when absent. */
  | 'SEED'
  /** Text. */
  | 'STRING';

/** Which jobs start first. Within one priority, in the order in which they were accepted. */
export type Priority =
  /** Before all others. */
  | 'HIGH'
  /** After all others. */
  | 'LOW'
  /** The usual. */
  | 'NORMAL';

/** Choices of ComfyUI under names that GraphQL takes. */
export type Sampler =
  /** ComfyUI calls it `ddim`. */
  | 'DDIM'
  /** ComfyUI calls it `ddpm`. */
  | 'DDPM'
  /** ComfyUI calls it `deis`. */
  | 'DEIS'
  /** ComfyUI calls it `dpmpp_2m`. */
  | 'DPMPP_2M'
  /** ComfyUI calls it `dpmpp_2m_cfg_pp`. */
  | 'DPMPP_2M_CFG_PP'
  /** ComfyUI calls it `dpmpp_2m_sde`. */
  | 'DPMPP_2M_SDE'
  /** ComfyUI calls it `dpmpp_2m_sde_gpu`. */
  | 'DPMPP_2M_SDE_GPU'
  /** ComfyUI calls it `dpmpp_2m_sde_heun`. */
  | 'DPMPP_2M_SDE_HEUN'
  /** ComfyUI calls it `dpmpp_2m_sde_heun_gpu`. */
  | 'DPMPP_2M_SDE_HEUN_GPU'
  /** ComfyUI calls it `dpmpp_2s_ancestral`. */
  | 'DPMPP_2S_ANCESTRAL'
  /** ComfyUI calls it `dpmpp_2s_ancestral_cfg_pp`. */
  | 'DPMPP_2S_ANCESTRAL_CFG_PP'
  /** ComfyUI calls it `dpmpp_3m_sde`. */
  | 'DPMPP_3M_SDE'
  /** ComfyUI calls it `dpmpp_3m_sde_gpu`. */
  | 'DPMPP_3M_SDE_GPU'
  /** ComfyUI calls it `dpmpp_sde`. */
  | 'DPMPP_SDE'
  /** ComfyUI calls it `dpmpp_sde_gpu`. */
  | 'DPMPP_SDE_GPU'
  /** ComfyUI calls it `dpm_2`. */
  | 'DPM_2'
  /** ComfyUI calls it `dpm_2_ancestral`. */
  | 'DPM_2_ANCESTRAL'
  /** ComfyUI calls it `dpm_adaptive`. */
  | 'DPM_ADAPTIVE'
  /** ComfyUI calls it `dpm_fast`. */
  | 'DPM_FAST'
  /** ComfyUI calls it `er_sde`. */
  | 'ER_SDE'
  /** ComfyUI calls it `euler`. */
  | 'EULER'
  /** ComfyUI calls it `euler_ancestral`. */
  | 'EULER_ANCESTRAL'
  /** ComfyUI calls it `euler_ancestral_cfg_pp`. */
  | 'EULER_ANCESTRAL_CFG_PP'
  /** ComfyUI calls it `euler_cfg_pp`. */
  | 'EULER_CFG_PP'
  /** ComfyUI calls it `exp_heun_2_x0`. */
  | 'EXP_HEUN_2_X0'
  /** ComfyUI calls it `exp_heun_2_x0_sde`. */
  | 'EXP_HEUN_2_X0_SDE'
  /** ComfyUI calls it `gradient_estimation`. */
  | 'GRADIENT_ESTIMATION'
  /** ComfyUI calls it `gradient_estimation_cfg_pp`. */
  | 'GRADIENT_ESTIMATION_CFG_PP'
  /** ComfyUI calls it `heun`. */
  | 'HEUN'
  /** ComfyUI calls it `heunpp2`. */
  | 'HEUNPP2'
  /** ComfyUI calls it `ipndm`. */
  | 'IPNDM'
  /** ComfyUI calls it `ipndm_v`. */
  | 'IPNDM_V'
  /** ComfyUI calls it `lcm`. */
  | 'LCM'
  /** ComfyUI calls it `lms`. */
  | 'LMS'
  /** ComfyUI calls it `res_multistep`. */
  | 'RES_MULTISTEP'
  /** ComfyUI calls it `res_multistep_ancestral`. */
  | 'RES_MULTISTEP_ANCESTRAL'
  /** ComfyUI calls it `res_multistep_ancestral_cfg_pp`. */
  | 'RES_MULTISTEP_ANCESTRAL_CFG_PP'
  /** ComfyUI calls it `res_multistep_cfg_pp`. */
  | 'RES_MULTISTEP_CFG_PP'
  /** ComfyUI calls it `sa_solver`. */
  | 'SA_SOLVER'
  /** ComfyUI calls it `sa_solver_pece`. */
  | 'SA_SOLVER_PECE'
  /** ComfyUI calls it `seeds_2`. */
  | 'SEEDS_2'
  /** ComfyUI calls it `seeds_3`. */
  | 'SEEDS_3'
  /** ComfyUI calls it `uni_pc`. */
  | 'UNI_PC'
  /** ComfyUI calls it `uni_pc_bh2`. */
  | 'UNI_PC_BH2';

/** Choices of ComfyUI under names that GraphQL takes. */
export type Scheduler =
  /** ComfyUI calls it `beta`. */
  | 'BETA'
  /** ComfyUI calls it `ddim_uniform`. */
  | 'DDIM_UNIFORM'
  /** ComfyUI calls it `exponential`. */
  | 'EXPONENTIAL'
  /** ComfyUI calls it `karras`. */
  | 'KARRAS'
  /** ComfyUI calls it `kl_optimal`. */
  | 'KL_OPTIMAL'
  /** ComfyUI calls it `linear_quadratic`. */
  | 'LINEAR_QUADRATIC'
  /** ComfyUI calls it `normal`. */
  | 'NORMAL'
  /** ComfyUI calls it `sgm_uniform`. */
  | 'SGM_UNIFORM'
  /** ComfyUI calls it `simple`. */
  | 'SIMPLE';

/** Parameters of the workflow `textToAudio`: Makes music of what a text describes, with ACE-Step. */
export type TextToAudioInput = {
  /** How closely the sound follows the prompt. 1 to 30. */
  cfgScale?: number | null | undefined;
  /** What is sung, with [verse] and [chorus] on lines of their own; nothing for music alone. At most 5000 characters. */
  lyrics?: string | null | undefined;
  /** File name of the diffusion model. 1 to 255 characters; absent: `ace_step_v1_3.5b_model.safetensors`. */
  model?: string | null | undefined;
  /** What it sounds like: genre, instruments, mood, tempo. 1 to 5000 characters. */
  prompt: string;
  /** The sampling method. */
  sampler?: Sampler | null | undefined;
  /** How the noise falls from step to step. */
  scheduler?: Scheduler | null | undefined;
  /** How long it is. 1 to 240. */
  seconds?: number | null | undefined;
  /** Where the noise starts: the same seed and input make the same result. Random when absent; the one used is in the job's parameters. 0 to 2^53-1. */
  seed?: number | null | undefined;
  /** How many steps the sampler takes: more are slower and usually finer. 1 to 150. */
  steps?: number | null | undefined;
};

/** Parameters of the workflow `textToImage`: Makes pictures of what a text describes, with a Stable Diffusion checkpoint. */
export type TextToImageInput = {
  /** How many pictures to make. 1 to 4. */
  batchSize?: number | null | undefined;
  /** How closely the picture follows the prompt. 1 to 30. */
  cfgScale?: number | null | undefined;
  /** Height in pixels. Width times height is bounded by the installation. 64 to 2048, a multiple of 8. */
  height?: number | null | undefined;
  /** File name of the checkpoint. 1 to 255 characters; absent: `v1-5-pruned-emaonly.safetensors`. */
  model?: string | null | undefined;
  /** What the picture does not show. At most 2000 characters. */
  negativePrompt?: string | null | undefined;
  /** What the picture shows. 1 to 5000 characters. */
  prompt: string;
  /** The sampling method. */
  sampler?: Sampler | null | undefined;
  /** How the noise falls from step to step. */
  scheduler?: Scheduler | null | undefined;
  /** Where the noise starts: the same seed and input make the same picture. Random when absent; the one used is in the job's parameters. 0 to 2^53-1. */
  seed?: number | null | undefined;
  /** How many steps the sampler takes: more are slower and usually finer. 1 to 150. */
  steps?: number | null | undefined;
  /** Width in pixels. Width times height is bounded by the installation. 64 to 2048, a multiple of 8. */
  width?: number | null | undefined;
};

/** Parameters of the workflow `textToVideo`: Makes a film without sound of what a text describes, with Wan 2.1. */
export type TextToVideoInput = {
  /** How closely the film follows the prompt. 1 to 30. */
  cfgScale?: number | null | undefined;
  /** How many pictures are shown in a second. 1 to 60. */
  fps?: number | null | undefined;
  /** Height in pixels. Width times height is bounded by the installation. 64 to 1280, a multiple of 16. */
  height?: number | null | undefined;
  /** How many pictures the film has. Wan makes them in fours and one: 33, 49, 81; others are rounded down. 1 to 121. */
  length?: number | null | undefined;
  /** File name of the diffusion model. 1 to 255 characters; absent: `wan2.1_t2v_1.3B_fp16.safetensors`. */
  model?: string | null | undefined;
  /** What the film does not show. At most 2000 characters. */
  negativePrompt?: string | null | undefined;
  /** What the film shows. 1 to 5000 characters. */
  prompt: string;
  /** The sampling method. */
  sampler?: Sampler | null | undefined;
  /** How the noise falls from step to step. */
  scheduler?: Scheduler | null | undefined;
  /** Where the noise starts: the same seed and input make the same result. Random when absent; the one used is in the job's parameters. 0 to 2^53-1. */
  seed?: number | null | undefined;
  /** How many steps the sampler takes: more are slower and usually finer. 1 to 150. */
  steps?: number | null | undefined;
  /** Width in pixels. Width times height is bounded by the installation. 64 to 1280, a multiple of 16. */
  width?: number | null | undefined;
};

/** Parameters of the workflow `upscale`: Enlarges a picture with an upscale model, which also says by how much. */
export type UpscaleInput = {
  /** The picture. A picture. */
  image: FileInput;
  /** File name of the upscale model. 1 to 255 characters; absent: `RealESRGAN_x4plus.pth`. */
  model?: string | null | undefined;
};

/** One field for each workflow of the catalogue; exactly one is given. */
export type WorkflowInput =
  {   /** Any API-format graph. */
  custom: CustomWorkflowInput; imageToImage?: never; inpaint?: never; textToAudio?: never; textToImage?: never; textToVideo?: never; upscale?: never; }
  |  { custom?: never;   /** Makes a picture after another one and a text, with a Stable Diffusion checkpoint. */
  imageToImage: ImageToImageInput; inpaint?: never; textToAudio?: never; textToImage?: never; textToVideo?: never; upscale?: never; }
  |  { custom?: never; imageToImage?: never;   /** Paints anew what a mask covers of a picture, with a Stable Diffusion checkpoint, one made for inpainting or any other. */
  inpaint: InpaintInput; textToAudio?: never; textToImage?: never; textToVideo?: never; upscale?: never; }
  |  { custom?: never; imageToImage?: never; inpaint?: never;   /** Makes music of what a text describes, with ACE-Step. */
  textToAudio: TextToAudioInput; textToImage?: never; textToVideo?: never; upscale?: never; }
  |  { custom?: never; imageToImage?: never; inpaint?: never; textToAudio?: never;   /** Makes pictures of what a text describes, with a Stable Diffusion checkpoint. */
  textToImage: TextToImageInput; textToVideo?: never; upscale?: never; }
  |  { custom?: never; imageToImage?: never; inpaint?: never; textToAudio?: never; textToImage?: never;   /** Makes a film without sound of what a text describes, with Wan 2.1. */
  textToVideo: TextToVideoInput; upscale?: never; }
  |  { custom?: never; imageToImage?: never; inpaint?: never; textToAudio?: never; textToImage?: never; textToVideo?: never;   /** Enlarges a picture with an upscale model, which also says by how much. */
  upscale: UpscaleInput; };

export type CancelJobMutationVariables = Exact<{
  id: string | number;
}>;


export type CancelJobMutation = { cancelJob: { __typename: 'Job', id: string, status: JobStatus, cancelRequestedAt: string | null } | null };

export type GenerateMutationVariables = Exact<{
  input: GenerateInput;
}>;


export type GenerateMutation = { generate: { __typename: 'GeneratePayload', replayed: boolean, job: { __typename: 'Job', parameters: unknown, id: string, status: JobStatus, workflow: string, seq: number, queuePosition: number | null, progress: { __typename: 'Progress', fraction: number, nodesDone: number, nodesTotal: number, node: { __typename: 'ProgressNode', nodeId: string, classType: string, title: string | null, step: number | null, totalSteps: number | null } | null }, artifacts: Array<
        | { __typename: 'AudioArtifact', id: string, filename: string, contentType: string, size: number, url: string }
        | { __typename: 'FileArtifact', id: string, filename: string, contentType: string, size: number, url: string }
        | { __typename: 'ImageArtifact', width: number, height: number, id: string, filename: string, contentType: string, size: number, url: string }
        | { __typename: 'TextArtifact', id: string, filename: string, contentType: string, size: number, url: string }
        | { __typename: 'VideoArtifact', id: string, filename: string, contentType: string, size: number, url: string }
      >, error: { __typename: 'JobError', code: JobErrorCode, message: string, retryable: boolean } | null } } | null };

export type JobStateFragment = { __typename: 'Job', id: string, status: JobStatus, workflow: string, seq: number, queuePosition: number | null, progress: { __typename: 'Progress', fraction: number, nodesDone: number, nodesTotal: number, node: { __typename: 'ProgressNode', nodeId: string, classType: string, title: string | null, step: number | null, totalSteps: number | null } | null }, artifacts: Array<
    | { __typename: 'AudioArtifact', id: string, filename: string, contentType: string, size: number, url: string }
    | { __typename: 'FileArtifact', id: string, filename: string, contentType: string, size: number, url: string }
    | { __typename: 'ImageArtifact', width: number, height: number, id: string, filename: string, contentType: string, size: number, url: string }
    | { __typename: 'TextArtifact', id: string, filename: string, contentType: string, size: number, url: string }
    | { __typename: 'VideoArtifact', id: string, filename: string, contentType: string, size: number, url: string }
  >, error: { __typename: 'JobError', code: JobErrorCode, message: string, retryable: boolean } | null };

export type JobQueryVariables = Exact<{
  id: string | number;
}>;


export type JobQuery = { job: { __typename: 'Job', parameters: unknown, id: string, status: JobStatus, workflow: string, seq: number, queuePosition: number | null, progress: { __typename: 'Progress', fraction: number, nodesDone: number, nodesTotal: number, node: { __typename: 'ProgressNode', nodeId: string, classType: string, title: string | null, step: number | null, totalSteps: number | null } | null }, artifacts: Array<
      | { __typename: 'AudioArtifact', id: string, filename: string, contentType: string, size: number, url: string }
      | { __typename: 'FileArtifact', id: string, filename: string, contentType: string, size: number, url: string }
      | { __typename: 'ImageArtifact', width: number, height: number, id: string, filename: string, contentType: string, size: number, url: string }
      | { __typename: 'TextArtifact', id: string, filename: string, contentType: string, size: number, url: string }
      | { __typename: 'VideoArtifact', id: string, filename: string, contentType: string, size: number, url: string }
    >, error: { __typename: 'JobError', code: JobErrorCode, message: string, retryable: boolean } | null } | null };

export type JobsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  filter?: JobFilter | null | undefined;
}>;


export type JobsQuery = { jobs: { __typename: 'JobConnection', edges: Array<{ __typename: 'JobEdge', cursor: string, node: { __typename: 'Job', id: string, status: JobStatus, workflow: string, seq: number, queuePosition: number | null, progress: { __typename: 'Progress', fraction: number, nodesDone: number, nodesTotal: number, node: { __typename: 'ProgressNode', nodeId: string, classType: string, title: string | null, step: number | null, totalSteps: number | null } | null }, artifacts: Array<
          | { __typename: 'AudioArtifact', id: string, filename: string, contentType: string, size: number, url: string }
          | { __typename: 'FileArtifact', id: string, filename: string, contentType: string, size: number, url: string }
          | { __typename: 'ImageArtifact', width: number, height: number, id: string, filename: string, contentType: string, size: number, url: string }
          | { __typename: 'TextArtifact', id: string, filename: string, contentType: string, size: number, url: string }
          | { __typename: 'VideoArtifact', id: string, filename: string, contentType: string, size: number, url: string }
        >, error: { __typename: 'JobError', code: JobErrorCode, message: string, retryable: boolean } | null } }>, pageInfo: { __typename: 'PageInfo', hasNextPage: boolean, endCursor: string | null } } | null };

export type WatchJobSubscriptionVariables = Exact<{
  id: string | number;
  afterSeq?: number | null | undefined;
}>;


export type WatchJobSubscription = { jobProgress: { __typename: 'JobEvent', seq: number, type: JobEventType, at: string, job: { __typename: 'Job', id: string, status: JobStatus, workflow: string, seq: number, queuePosition: number | null, progress: { __typename: 'Progress', fraction: number, nodesDone: number, nodesTotal: number, node: { __typename: 'ProgressNode', nodeId: string, classType: string, title: string | null, step: number | null, totalSteps: number | null } | null }, artifacts: Array<
        | { __typename: 'AudioArtifact', id: string, filename: string, contentType: string, size: number, url: string }
        | { __typename: 'FileArtifact', id: string, filename: string, contentType: string, size: number, url: string }
        | { __typename: 'ImageArtifact', width: number, height: number, id: string, filename: string, contentType: string, size: number, url: string }
        | { __typename: 'TextArtifact', id: string, filename: string, contentType: string, size: number, url: string }
        | { __typename: 'VideoArtifact', id: string, filename: string, contentType: string, size: number, url: string }
      >, error: { __typename: 'JobError', code: JobErrorCode, message: string, retryable: boolean } | null } } };

export type WatchJobsSubscriptionVariables = Exact<{
  filter?: JobFilter | null | undefined;
}>;


export type WatchJobsSubscription = { jobsProgress: { __typename: 'JobEvent', seq: number, type: JobEventType, at: string, job: { __typename: 'Job', id: string, status: JobStatus, workflow: string, seq: number, queuePosition: number | null, progress: { __typename: 'Progress', fraction: number, nodesDone: number, nodesTotal: number, node: { __typename: 'ProgressNode', nodeId: string, classType: string, title: string | null, step: number | null, totalSteps: number | null } | null }, artifacts: Array<
        | { __typename: 'AudioArtifact', id: string, filename: string, contentType: string, size: number, url: string }
        | { __typename: 'FileArtifact', id: string, filename: string, contentType: string, size: number, url: string }
        | { __typename: 'ImageArtifact', width: number, height: number, id: string, filename: string, contentType: string, size: number, url: string }
        | { __typename: 'TextArtifact', id: string, filename: string, contentType: string, size: number, url: string }
        | { __typename: 'VideoArtifact', id: string, filename: string, contentType: string, size: number, url: string }
      >, error: { __typename: 'JobError', code: JobErrorCode, message: string, retryable: boolean } | null } } };

export type WorkflowsQueryVariables = Exact<{ [key: string]: never; }>;


export type WorkflowsQuery = { workflows: Array<{ __typename: 'Workflow', name: string, title: string, description: string | null, makes: Array<ArtifactKind>, parameters: Array<{ __typename: 'WorkflowParameter', name: string, title: string, type: ParameterType, list: boolean, required: boolean, description: string | null, default: unknown, minimum: number | null, maximum: number | null, multipleOf: number | null, maxLength: number | null, multiline: boolean, advanced: boolean, fileKind: FileKind | null, choices: Array<{ __typename: 'Choice', value: string, label: string }> | null }> }> | null };

export const JobStateFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"JobState"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Job"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"workflow"}},{"kind":"Field","name":{"kind":"Name","value":"seq"}},{"kind":"Field","name":{"kind":"Name","value":"queuePosition"}},{"kind":"Field","name":{"kind":"Name","value":"progress"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"fraction"}},{"kind":"Field","name":{"kind":"Name","value":"nodesDone"}},{"kind":"Field","name":{"kind":"Name","value":"nodesTotal"}},{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodeId"}},{"kind":"Field","name":{"kind":"Name","value":"classType"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"step"}},{"kind":"Field","name":{"kind":"Name","value":"totalSteps"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"artifacts"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"filename"}},{"kind":"Field","name":{"kind":"Name","value":"contentType"}},{"kind":"Field","name":{"kind":"Name","value":"size"}},{"kind":"Field","name":{"kind":"Name","value":"url"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"ImageArtifact"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"width"}},{"kind":"Field","name":{"kind":"Name","value":"height"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"error"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}}]} as unknown as DocumentNode<JobStateFragment, unknown>;
export const CancelJobDocument = {"__meta__":{"hash":"sha256:1ce0437188101caf7ed4e2ad9853d74d43979278c0f3b360985f16a36af7fb32"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"CancelJob"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"cancelJob"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"cancelRequestedAt"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}}]}}]} as unknown as DocumentNode<CancelJobMutation, CancelJobMutationVariables>;
export const GenerateDocument = {"__meta__":{"hash":"sha256:4e13282784619c77523ebf254597933ebc1378df042815fc424ead62f91dfee8"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"Generate"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"GenerateInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"generate"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"replayed"}},{"kind":"Field","name":{"kind":"Name","value":"job"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"JobState"}},{"kind":"Field","name":{"kind":"Name","value":"parameters"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"JobState"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Job"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"workflow"}},{"kind":"Field","name":{"kind":"Name","value":"seq"}},{"kind":"Field","name":{"kind":"Name","value":"queuePosition"}},{"kind":"Field","name":{"kind":"Name","value":"progress"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"fraction"}},{"kind":"Field","name":{"kind":"Name","value":"nodesDone"}},{"kind":"Field","name":{"kind":"Name","value":"nodesTotal"}},{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodeId"}},{"kind":"Field","name":{"kind":"Name","value":"classType"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"step"}},{"kind":"Field","name":{"kind":"Name","value":"totalSteps"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"artifacts"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"filename"}},{"kind":"Field","name":{"kind":"Name","value":"contentType"}},{"kind":"Field","name":{"kind":"Name","value":"size"}},{"kind":"Field","name":{"kind":"Name","value":"url"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"ImageArtifact"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"width"}},{"kind":"Field","name":{"kind":"Name","value":"height"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"error"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}}]} as unknown as DocumentNode<GenerateMutation, GenerateMutationVariables>;
export const JobDocument = {"__meta__":{"hash":"sha256:a15a4ca3ca5f570eeb99e7a61507e3fba5478783110c0821fde353c7137c9d50"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Job"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"job"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"JobState"}},{"kind":"Field","name":{"kind":"Name","value":"parameters"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"JobState"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Job"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"workflow"}},{"kind":"Field","name":{"kind":"Name","value":"seq"}},{"kind":"Field","name":{"kind":"Name","value":"queuePosition"}},{"kind":"Field","name":{"kind":"Name","value":"progress"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"fraction"}},{"kind":"Field","name":{"kind":"Name","value":"nodesDone"}},{"kind":"Field","name":{"kind":"Name","value":"nodesTotal"}},{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodeId"}},{"kind":"Field","name":{"kind":"Name","value":"classType"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"step"}},{"kind":"Field","name":{"kind":"Name","value":"totalSteps"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"artifacts"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"filename"}},{"kind":"Field","name":{"kind":"Name","value":"contentType"}},{"kind":"Field","name":{"kind":"Name","value":"size"}},{"kind":"Field","name":{"kind":"Name","value":"url"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"ImageArtifact"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"width"}},{"kind":"Field","name":{"kind":"Name","value":"height"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"error"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}}]} as unknown as DocumentNode<JobQuery, JobQueryVariables>;
export const JobsDocument = {"__meta__":{"hash":"sha256:28dbe7937b0747f982107ffcce4cda6a00bcaadd8fbd32a4580afce09f6c05dc"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Jobs"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"first"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filter"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"JobFilter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"jobs"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"first"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"edges"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"cursor"}},{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"JobState"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"JobState"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Job"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"workflow"}},{"kind":"Field","name":{"kind":"Name","value":"seq"}},{"kind":"Field","name":{"kind":"Name","value":"queuePosition"}},{"kind":"Field","name":{"kind":"Name","value":"progress"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"fraction"}},{"kind":"Field","name":{"kind":"Name","value":"nodesDone"}},{"kind":"Field","name":{"kind":"Name","value":"nodesTotal"}},{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodeId"}},{"kind":"Field","name":{"kind":"Name","value":"classType"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"step"}},{"kind":"Field","name":{"kind":"Name","value":"totalSteps"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"artifacts"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"filename"}},{"kind":"Field","name":{"kind":"Name","value":"contentType"}},{"kind":"Field","name":{"kind":"Name","value":"size"}},{"kind":"Field","name":{"kind":"Name","value":"url"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"ImageArtifact"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"width"}},{"kind":"Field","name":{"kind":"Name","value":"height"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"error"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}}]} as unknown as DocumentNode<JobsQuery, JobsQueryVariables>;
export const WatchJobDocument = {"__meta__":{"hash":"sha256:52ac3d4212fe933348c23eb1400d226cf686ad4ea38b7d47597d46398cc403ae"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"WatchJob"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"afterSeq"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"jobProgress"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}},{"kind":"Argument","name":{"kind":"Name","value":"afterSeq"},"value":{"kind":"Variable","name":{"kind":"Name","value":"afterSeq"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"seq"}},{"kind":"Field","name":{"kind":"Name","value":"type"}},{"kind":"Field","name":{"kind":"Name","value":"at"}},{"kind":"Field","name":{"kind":"Name","value":"job"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"JobState"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"JobState"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Job"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"workflow"}},{"kind":"Field","name":{"kind":"Name","value":"seq"}},{"kind":"Field","name":{"kind":"Name","value":"queuePosition"}},{"kind":"Field","name":{"kind":"Name","value":"progress"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"fraction"}},{"kind":"Field","name":{"kind":"Name","value":"nodesDone"}},{"kind":"Field","name":{"kind":"Name","value":"nodesTotal"}},{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodeId"}},{"kind":"Field","name":{"kind":"Name","value":"classType"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"step"}},{"kind":"Field","name":{"kind":"Name","value":"totalSteps"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"artifacts"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"filename"}},{"kind":"Field","name":{"kind":"Name","value":"contentType"}},{"kind":"Field","name":{"kind":"Name","value":"size"}},{"kind":"Field","name":{"kind":"Name","value":"url"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"ImageArtifact"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"width"}},{"kind":"Field","name":{"kind":"Name","value":"height"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"error"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}}]} as unknown as DocumentNode<WatchJobSubscription, WatchJobSubscriptionVariables>;
export const WatchJobsDocument = {"__meta__":{"hash":"sha256:b413c49ab61ea9501e6908f35227a1ff2b7eeee348acb49c1d55360cadc202d6"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"WatchJobs"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filter"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"JobFilter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"jobsProgress"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"seq"}},{"kind":"Field","name":{"kind":"Name","value":"type"}},{"kind":"Field","name":{"kind":"Name","value":"at"}},{"kind":"Field","name":{"kind":"Name","value":"job"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"JobState"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"JobState"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Job"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"workflow"}},{"kind":"Field","name":{"kind":"Name","value":"seq"}},{"kind":"Field","name":{"kind":"Name","value":"queuePosition"}},{"kind":"Field","name":{"kind":"Name","value":"progress"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"fraction"}},{"kind":"Field","name":{"kind":"Name","value":"nodesDone"}},{"kind":"Field","name":{"kind":"Name","value":"nodesTotal"}},{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodeId"}},{"kind":"Field","name":{"kind":"Name","value":"classType"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"step"}},{"kind":"Field","name":{"kind":"Name","value":"totalSteps"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"artifacts"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"filename"}},{"kind":"Field","name":{"kind":"Name","value":"contentType"}},{"kind":"Field","name":{"kind":"Name","value":"size"}},{"kind":"Field","name":{"kind":"Name","value":"url"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"ImageArtifact"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"width"}},{"kind":"Field","name":{"kind":"Name","value":"height"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"error"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}}]} as unknown as DocumentNode<WatchJobsSubscription, WatchJobsSubscriptionVariables>;
export const WorkflowsDocument = {"__meta__":{"hash":"sha256:67a1b030b1db14b9cd988a8301af58853d46a9aff598d6dc1a13406f6dcb72bd"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Workflows"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"workflows"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"description"}},{"kind":"Field","name":{"kind":"Name","value":"makes"}},{"kind":"Field","name":{"kind":"Name","value":"parameters"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"type"}},{"kind":"Field","name":{"kind":"Name","value":"list"}},{"kind":"Field","name":{"kind":"Name","value":"required"}},{"kind":"Field","name":{"kind":"Name","value":"description"}},{"kind":"Field","name":{"kind":"Name","value":"default"}},{"kind":"Field","name":{"kind":"Name","value":"minimum"}},{"kind":"Field","name":{"kind":"Name","value":"maximum"}},{"kind":"Field","name":{"kind":"Name","value":"multipleOf"}},{"kind":"Field","name":{"kind":"Name","value":"maxLength"}},{"kind":"Field","name":{"kind":"Name","value":"multiline"}},{"kind":"Field","name":{"kind":"Name","value":"advanced"}},{"kind":"Field","name":{"kind":"Name","value":"fileKind"}},{"kind":"Field","name":{"kind":"Name","value":"choices"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"value"}},{"kind":"Field","name":{"kind":"Name","value":"label"}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}},{"kind":"Field","name":{"kind":"Name","value":"__typename"}}]}}]}}]} as unknown as DocumentNode<WorkflowsQuery, WorkflowsQueryVariables>;