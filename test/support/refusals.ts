import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import * as z from 'zod';
import { openTarget } from './attack.ts';
import { eventually, type Lifetime, onlySimulator } from './product.ts';

const refusalSchema = z.object({
  errors: z.tuple([
    z.object({
      message: z.string(),
      extensions: z.object({
        code: z.literal('BAD_USER_INPUT'),
        issues: z.array(
          z.object({ path: z.array(z.union([z.string(), z.number()])), code: z.string(), message: z.string() }),
        ),
      }),
    }),
  ]),
});

/** An expected issue: its path, its code, and a text in its message. */
export type ExpectedIssue = [path: string, code: string, message: RegExp];

const backendsSchema = z.object({ workflow: z.object({ backends: z.array(z.object({ canRun: z.boolean() })) }) });
const jobsSchema = z.object({ jobs: z.object({ nodes: z.array(z.object({ id: z.string() })) }) });
const replayedSchema = z.object({ generate: z.object({ replayed: z.boolean() }) });

/** The whole product, whose gateway knows the node definitions of its ComfyUI, and a record of all refusals. */
export async function openRefusals(lifetime: Lifetime) {
  const target = await openTarget(lifetime);
  const keys: string[] = [];
  await eventually(async () => {
    const { data } = await target.ask('{ workflow(name: "textToImage") { backends { canRun } } }');
    return backendsSchema.parse(data).workflow.backends.some(({ canRun }) => canRun);
  }, 'the catalogue is known');

  function expectIssues(text: string, issues: ExpectedIssue[]) {
    // The answer must stay small however large the refused input was.
    expect(text.length).toBeLessThan(50_000);
    const [error] = refusalSchema.parse(JSON.parse(text)).errors;
    const found = error.extensions.issues.map(({ path, code, message }) => [path.join('.'), code, message]);
    const wanted = issues.map(([path, code, message]) => [path, code, expect.stringMatching(message)]);
    expect(found.sort()).toEqual(wanted.sort());
  }

  return {
    target,
    keys,
    expectIssues,
    /** Checks that `generate` is refused with exactly these issues. `json` replaces `"@"` in `workflow` as raw text. */
    async expectRefused(
      workflow: object,
      issues: ExpectedIssue[],
      { json, input }: { json?: string; input?: object } = {},
    ) {
      const idempotencyKey = randomUUID();
      keys.push(idempotencyKey);
      const variables = { input: { idempotencyKey, workflow, ...input } };
      const { status, text } = await (json ? target.generateWith(variables, json) : target.generate(variables));
      expect(status).toBe(200);
      expectIssues(text, issues);
    },
    /** Checks that refused calls left no job, no prompt and no used key, and that the next call is served at once. */
    async expectNothingBegun() {
      expect(onlySimulator(target.product).posts).toBe(0);
      expect(jobsSchema.parse((await target.ask('{ jobs(first: 1) { nodes { id } } }')).data).jobs.nodes).toEqual([]);
      expect(await target.product.admin.zcard(target.product.keys.open)).toBe(0);
      const began = performance.now();
      await target.ask('{ __typename }');
      expect(performance.now() - began).toBeLessThan(3_000);
      expect(keys.length).toBeGreaterThan(0);
      const textToImage = { prompt: 'x', steps: 1, width: 64, height: 64 };
      for (const idempotencyKey of keys) {
        const { data } = await target.generate({ input: { idempotencyKey, workflow: { textToImage } } });
        expect(replayedSchema.parse(data).generate.replayed).toBe(false);
      }
      const { admin, keys: names } = target.product;
      await eventually(async () => (await admin.zcard(names.open)) === 0, 'their jobs are done');
    },
  };
}

export type Refusals = Awaited<ReturnType<typeof openRefusals>>;
