import type { Artifact, Job } from '@comfygate/client';

/** What a person can do about a failure; the message of the job says what happened. */
const ADVICE: Record<string, string> = {
  COMFYUI_UNAVAILABLE: 'The ComfyUI servers were lost each time. Try again when one is up.',
  EXECUTION_FAILED: 'A node of the workflow raised an error. Other parameters may do.',
  INPUT_INVALID: 'Choose another input file.',
  INTERNAL: 'This is a fault of the gateway. Its operator finds more in the log.',
  INTERRUPTED: 'Somebody stopped the run at ComfyUI. Try again.',
  NO_OUTPUT: 'The run ended well and left nothing: does the workflow save its result?',
  OUTPUT_INVALID: 'The result was damaged. Try again.',
  OUT_OF_MEMORY: 'Try a smaller size, fewer results at once, or a smaller model.',
  STORAGE_FULL: 'There is no room for results. Delete what nobody needs, or ask the operator.',
  STORAGE_UNAVAILABLE: 'The results could not be stored. Try again later.',
  TIMEOUT: 'It took too long. Try again, or with fewer steps.',
  WORKFLOW_REJECTED: 'ComfyUI refused the graph. The servers page says what is missing.',
};

export const adviceFor = (code: string): string => ADVICE[code] ?? 'Try again.';

/** `textToImage` as *Text to image*, for where the title is not known. */
export function titleOf(workflow: string): string {
  const words = workflow
    .replaceAll(/[_-]+/g, ' ')
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What a job was asked for, in its own words; null where no parameter is a text. */
export function promptOf({ parameters }: Pick<Job, 'parameters'>): string | null {
  if (typeof parameters !== 'object' || parameters === null || !('prompt' in parameters)) return null;
  return typeof parameters.prompt === 'string' && parameters.prompt.trim() ? parameters.prompt.trim() : null;
}

export function describeTile(job: Job, artifact: Artifact | null): string {
  const prompt = promptOf(job) ?? titleOf(job.workflow);
  return `${prompt.length > 120 ? `${prompt.slice(0, 119)}…` : prompt}${artifact ? `, ${artifact.filename}` : ''}`;
}

const UNITS = [
  ['day', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** Such as 850 ms, 12 s, 3 min 20 s, 2 h 5 min, 7 days. */
export function duration(ms: number): string {
  const whole = Math.round(ms);
  if (whole < 1_000) return `${whole} ms`;
  const seconds = Math.round(ms / 1_000);
  const at = UNITS.findIndex(([, length]) => seconds >= length);
  const [unit, length] = UNITS[at] ?? ['s', 1];
  const [smaller, smallerLength] = UNITS[at + 1] ?? ['', 1];
  const count = Math.floor(seconds / length);
  const rest = Math.floor((seconds % length) / smallerLength);
  const big = `${count} ${unit}${unit === 'day' && count > 1 ? 's' : ''}`;
  return rest > 0 ? `${big} ${rest} ${smaller}` : big;
}

/** Such as 512 B, 48 kB, 3.2 MB. */
export function fileSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, bytes < 1_000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

/** How far a job was, and when, in milliseconds of any one clock. */
export interface Seen {
  fraction: number;
  at: number;
}

/** Less of its way than this says too little of how fast a job goes on. */
const LEAST_FRACTION = 0.05;

/** Milliseconds until a job ends, if it goes on as it did between two looks; null where nobody can say. */
export function timeLeft(first: Seen, last: Seen): number | null {
  const done = last.fraction - first.fraction;
  return done >= LEAST_FRACTION ? ((last.at - first.at) * (1 - last.fraction)) / done : null;
}

/** Milliseconds that jobs of this workflow usually take, by those that have ended; null where none has. */
export function usualTime(ended: readonly Job[], workflow: string): number | null {
  const times = ended
    .filter((job) => job.workflow === workflow && job.status === 'SUCCEEDED' && job.startedAt && job.finishedAt)
    .map(({ startedAt, finishedAt }) => Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? ''))
    .sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)] ?? null;
}

/** Where a job waits, in the queue or at ComfyUI; null for one that does not. */
export function placeInWords({ status, queuePosition }: Job): string | null {
  if (status === 'RUNNING') return queuePosition === null ? null : 'Waits in ComfyUI, begins next';
  if (status !== 'QUEUED') return null;
  if (queuePosition === null) return 'Waits';
  if (queuePosition === 0) return 'Begins next';
  return queuePosition === 1 ? '1 job before it' : `${queuePosition} jobs before it`;
}

/** The node that runs, and which of its steps; null where none does. */
export function stepInWords({ progress: { node } }: Job): string | null {
  if (!node) return null;
  const steps = node.totalSteps === null ? '' : `, step ${node.step ?? 0} of ${node.totalSteps}`;
  return `${node.title ?? node.classType}${steps}`;
}

/** How a job stands, in a few words. */
export function stateInWords(job: Job): string {
  const { status, progress, cancelRequestedAt } = job;
  if (status === 'QUEUED' || status === 'RUNNING') {
    if (cancelRequestedAt !== null) return 'Is being canceled';
    return placeInWords(job) ?? stepInWords(job) ?? (progress.fraction > 0 ? 'Under way' : 'Begins');
  }
  return { SUCCEEDED: 'Done', FAILED: 'Failed', CANCELED: 'Canceled' }[status];
}
