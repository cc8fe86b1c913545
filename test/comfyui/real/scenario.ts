import type { ComfyServer } from './comfyui.ts';
import { eventually } from './eventually.ts';
import { slowChain } from './graphs.ts';
import type { Product } from './product.ts';

export interface Stage {
  server: ComfyServer;
  product: Product;
  /** Takes ComfyUI down and brings it up again; resolves when it answers. Undefined when nobody said how. */
  restartComfy: (() => Promise<void>) | undefined;
  /** What a blur of the slow chain takes there, in seconds. */
  blurSeconds: number;
}

/** Something that is tried. It throws at a difference, or says what it saw in a few words. */
export interface Scenario {
  name: string;
  /** Why it cannot be tried there; null when it can. */
  skip?(stage: Stage): Promise<string | null>;
  play(stage: Stage): Promise<string>;
}

/** How many prompts ComfyUI was sent meanwhile, refused ones counted: it numbers them one after the other. */
export async function promptsSent(server: ComfyServer, during: () => Promise<unknown>): Promise<number> {
  const before = await server.nextNumber();
  await during();
  return (await server.nextNumber()) - before - 1;
}

/** What a blur of the slow chain takes at this server, in seconds: how much slow jobs are asked for follows from it. */
export async function measureBlur(server: ComfyServer): Promise<number> {
  const seconds = async (blurs: number) => {
    const began = performance.now();
    const promptId = await server.post(await slowChain(blurs));
    await eventually('blurs are done', 300_000, async () => (await server.status(promptId)) === 'completed');
    await server.forget(promptId);
    return (performance.now() - began) / 1000;
  };
  // The first after a start loads code and takes longer than all that follow.
  await seconds(1);
  const one = await seconds(1);
  return Math.max(0.01, ((await seconds(5)) - one) / 4);
}
