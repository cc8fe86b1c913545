import type { NodeTiming } from '../../src/core/job.ts';
import type { Backend, BackendSlot } from '../pool/backend.ts';

/** A prompt of the job that may be alive at its server. */
export interface LivePrompt {
  backend: Backend;
  promptId: string;
}

/**
 * What an attempt holds at the servers. The prompt that it has posted, or found, is always at the server of its slot.
 * `earlier` is one that may be alive somewhere though the attempt does not follow it: the one that the record named
 * when the job was claimed, or one that was left behind at another server.
 */
type Holding =
  | { phase: 'noSlot'; earlier: LivePrompt | null }
  | { phase: 'slot'; slot: BackendSlot; earlier: LivePrompt | null }
  | { phase: 'prompt'; slot: BackendSlot; promptId: string };

/**
 * The slot and the prompt of one attempt. Nothing but the moves below changes them, so there is never a second slot,
 * nor a prompt that is followed without one. Disposing it gives the slot back.
 */
export interface AttemptState extends Disposable {
  /** Throws while none is held, which is a bug: whatever needs a slot comes after one was taken. */
  readonly slot: BackendSlot;
  /** The prompt that a cancel stops: the one at its slot, else the earlier one. */
  readonly livePrompt: LivePrompt | null;
  /** Names of the servers that this attempt has found gone. */
  readonly goneServers: ReadonlySet<string>;
  /** How long the nodes of the latest prompt took, as `reportTimings` said; none before. */
  readonly timings: NodeTiming[];

  /** The job was claimed, and its record names this prompt; null: none, or one that is at no server of this worker. */
  claimed(recorded: LivePrompt | null): void;
  /**
   * Holds this slot from now on. One that it held before is given back; a prompt there is an earlier one from then on.
   */
  takeSlot(slot: BackendSlot): void;
  /** Gives the slot back, so that the next one may be at the same server. */
  releaseSlot(): void;
  /** The server of its slot cannot be reached. */
  serverGone(): void;
  /** The prompt is about to be posted to the server of its slot, or may be there from before. */
  promptStarted(promptId: string): void;
  /** No prompt is alive any more: it has ended, was not taken, or is lost with its server. */
  promptOver(): void;
  /** The attempt's prompts are no longer watched. */
  reportTimings(timings: NodeTiming[]): void;
}

/** `slot` null: for an attempt that runs nothing, since the job's end is certain before it begins. */
export function createAttemptState(slot: BackendSlot | null): AttemptState {
  let holding: Holding = withSlot(slot, null);
  const goneServers = new Set<string>();
  let timings: NodeTiming[] = [];

  function become(next: Holding) {
    const before = slotOf(holding);
    holding = next;
    // The only place where a slot is given back.
    if (before !== slotOf(next)) before?.[Symbol.dispose]();
  }

  function heldSlot(): BackendSlot {
    const held = slotOf(holding);
    if (!held) throw new Error('the attempt holds no slot');
    return held;
  }

  return {
    get slot() {
      return heldSlot();
    },
    get livePrompt() {
      return livePromptOf(holding);
    },
    goneServers,
    get timings() {
      return timings;
    },
    claimed: (recorded) => become(withSlot(slotOf(holding), recorded)),
    takeSlot(next) {
      if (next !== slotOf(holding)) become(withSlot(next, livePromptOf(holding)));
    },
    releaseSlot: () => become(withSlot(null, livePromptOf(holding))),
    serverGone: () => void goneServers.add(heldSlot().backend.name),
    promptStarted: (promptId) => become({ phase: 'prompt', slot: heldSlot(), promptId }),
    promptOver: () => become(withSlot(slotOf(holding), null)),
    reportTimings(known) {
      timings = known;
    },
    [Symbol.dispose]: () => become(withSlot(null, null)),
  };
}

function withSlot(slot: BackendSlot | null, earlier: LivePrompt | null): Holding {
  return slot ? { phase: 'slot', slot, earlier } : { phase: 'noSlot', earlier };
}

function slotOf(holding: Holding): BackendSlot | null {
  return holding.phase === 'noSlot' ? null : holding.slot;
}

function livePromptOf(holding: Holding): LivePrompt | null {
  if (holding.phase !== 'prompt') return holding.earlier;
  return { backend: holding.slot.backend, promptId: holding.promptId };
}
