import { expect, test } from 'vitest';
import { createAttemptState } from '../../../worker/attempt/attempt-state.ts';
import { createComfyClient } from '../../../worker/comfyui/client.ts';
import { createComfyHttp } from '../../../worker/comfyui/http.ts';
import type { Backend, BackendSlot } from '../../../worker/pool/backend.ts';

/** A slot at a server of this name; `released` counts how often it was given back. */
function slotAt(name: string): { slot: BackendSlot; released: () => number } {
  const socket = {
    open: false,
    listen: () => ({ [Symbol.dispose]() {} }),
    onOpen: () => ({ [Symbol.dispose]() {} }),
    opened: async () => undefined,
    suspect() {},
    close: async () => undefined,
  };
  const backend: Backend = {
    name,
    client: createComfyClient(createComfyHttp('http://127.0.0.1:1')),
    socket,
    socketAs: () => socket,
    outputClasses: () => null,
    nodeDefinitions: () => null,
  };
  let released = 0;
  return { slot: { backend, report() {}, [Symbol.dispose]: () => void released++ }, released: () => released };
}

test('one slot is held at a time: the one before is given back, the last with the attempt', () => {
  const [a, b] = [slotAt('a'), slotAt('b')];
  const state = createAttemptState(a.slot);
  state.takeSlot(a.slot);
  expect(a.released()).toBe(0);
  state.takeSlot(b.slot);
  expect([state.slot, a.released(), b.released()]).toEqual([b.slot, 1, 0]);
  state.releaseSlot();
  expect(b.released()).toBe(1);
  state[Symbol.dispose]();
  state[Symbol.dispose]();
  expect([a.released(), b.released()]).toEqual([1, 1]);
});

test('a slot stays held through all that becomes of a prompt', () => {
  const { slot, released } = slotAt('a');
  const state = createAttemptState(slot);
  state.claimed({ backend: slot.backend, promptId: 'p1' });
  state.promptStarted('p1');
  state.promptOver();
  state.promptStarted('p2');
  state.serverGone();
  expect([state.slot, released()]).toEqual([slot, 0]);
  expect([...state.goneServers]).toEqual(['a']);
});

test('no prompt begins without a slot', () => {
  const state = createAttemptState(null);
  expect(() => state.promptStarted('p1')).toThrow('holds no slot');
  expect(state.livePrompt).toBeNull();
  const { slot } = slotAt('a');
  state.takeSlot(slot);
  state.releaseSlot();
  expect(() => state.promptStarted('p1')).toThrow('holds no slot');
});

test('what a cancel stops is the prompt at the slot, else one that was left elsewhere, else nothing', () => {
  const [a, b] = [slotAt('a').slot, slotAt('b').slot];
  const recorded = { backend: b.backend, promptId: 'p1' };
  const state = createAttemptState(a);
  expect(state.livePrompt).toBeNull();
  state.claimed(recorded);
  expect(state.livePrompt).toEqual(recorded);
  state.promptStarted('p2');
  expect(state.livePrompt).toEqual({ backend: a.backend, promptId: 'p2' });
  state.takeSlot(b);
  expect(state.livePrompt).toEqual({ backend: a.backend, promptId: 'p2' });
  state.promptStarted('p3');
  state.releaseSlot();
  expect(state.livePrompt).toEqual({ backend: b.backend, promptId: 'p3' });
  state.promptOver();
  expect(state.livePrompt).toBeNull();
});

test('an attempt that runs nothing knows the prompt that the record names, for it may have to be cancelled', () => {
  const recorded = { backend: slotAt('a').slot.backend, promptId: 'p1' };
  const state = createAttemptState(null);
  state.claimed(recorded);
  expect(state.livePrompt).toEqual(recorded);
});
