/** How long the worker waits for what, in milliseconds. */
export interface Timings {
  /** Between two looks at a server. */
  monitor: number;
  /** Between two looks at a prompt beside its messages. */
  poll: number;
  /** For the answer to such a look. */
  look: number;
  /** How long a look goes unanswered before another is begun beside it. */
  lookAgain: number;
  /** From the first failure to reach a server in the middle of a prompt until the prompt is given up. */
  lost: number;
  /** The same where it refuses connections: longer than a tunnel or a proxy takes to come back. */
  refused: number;
  /** The same for a server that was not reached since the attempt began. */
  firstContact: number;
  /** After a POST without a clear answer: how long the prompt is looked for before it counts as not taken. */
  lookUp: number;
  /** Between two looks at the lease. */
  lease: number;
  /**
   * How long a lease under which something was written is trusted before a prompt is posted. A job is taken over only
   * behind its delivery's lock, which lasts longer.
   */
  leaseFresh: number;
  /**
   * How long another server must have had nothing to do until a prompt that waits at its server is moved there: with
   * less, prompts would move while a busy server is just given its next job.
   */
  idle: number;
  /**
   * How long prompts wait at a server that runs none until it counts as stalled. Between two prompts ComfyUI frees
   * memory and looks through its results, which takes seconds.
   */
  notTaken: number;
  /**
   * From the cancel of a prompt until its server counts as stalled, if it still runs: longer than a model is loaded
   * from a slow disk, or a film decoded, during which nothing is interrupted.
   */
  outlived: number;
  /**
   * How much longer than an attempt any prompt may run, whoever sent it, until its server counts as stalled. Other
   * users of a server may have long ones.
   */
  longest: number;
  /** How long a server that took no prompts gets none, if nothing else shows that it works again. */
  leftAlone: number;
  /** From a cancel being seen until the job is CANCELED, though its node cannot be interrupted. */
  cancelGrace: number;
  /** How long a result is offered to a storage that does not take it. Its job holds its slot, so others wait too. */
  storage: number;
  /** For fetching one input file, tries and redirects included. */
  fetch: number;
  /** How long a job whose input file cannot be got from storage waits in the queue, not at its server. */
  storageBack: number;
  /** How long the worker keeps trying to cancel a prompt that nobody wants, at a server that does not answer. */
  reap: number;
  /** Between two writes of progress. */
  progress: number;
  /**
   * From when a node has made a result until it is fetched, unless the prompt ends before; and again from when it is
   * stored until it is shown, with those that come meanwhile.
   */
  output: number;
  /** Between two previews of a job. */
  preview: number;
  /** From a worker's start until a job that no known server can run is given up: others may only be coming. */
  settle: number;
  /** How long a job whose prompt another worker can reach is put back. */
  putBack: number;
  /** Between two looks at whether the worker itself is well. */
  fitness: number;
  /** Without a turn of one of its loops until the worker counts as hung; the slowest takes some 20 s. */
  late: number;
}

export const defaultTimings: Timings = {
  monitor: 2_000,
  poll: 2_000,
  look: 10_000,
  lookAgain: 2_000,
  lost: 30_000,
  refused: 10_000,
  firstContact: 3_000,
  lookUp: 2_000,
  lease: 1_000,
  leaseFresh: 2_000,
  idle: 10_000,
  notTaken: 30_000,
  outlived: 120_000,
  longest: 3_600_000,
  leftAlone: 300_000,
  cancelGrace: 5_000,
  storage: 600_000,
  fetch: 60_000,
  storageBack: 3_000,
  reap: 300_000,
  progress: 100,
  output: 250,
  preview: 200,
  settle: 15_000,
  putBack: 1_500,
  fitness: 5_000,
  late: 60_000,
};
