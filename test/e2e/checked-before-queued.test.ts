import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { graphSchema } from '../../src/core/graph.ts';
import { disposals } from '../support/disposals.ts';
import { type GenerateRequest, generated } from '../support/gateway-client.ts';
import { eventually, type Gateway, openProduct } from '../support/product.ts';

const issuesSchema = z.array(
  z.object({ path: z.array(z.union([z.string(), z.number()])), code: z.string(), message: z.string() }),
);

/** Path, code and message of each issue of a call that is refused. */
async function refused(gateway: Gateway, request: GenerateRequest) {
  const { errors } = await gateway.tryGenerate(request);
  expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
  const issues = issuesSchema.parse(errors[0]?.extensions.issues);
  return issues.map(({ path, code, message }) => [path.join('.'), code, message]);
}

const custom = (graph: unknown, key = randomUUID()) => ({ key, input: { workflow: { custom: { graph } } } });

function recorded(name: string) {
  const file = new URL(`../comfyui/recorded/workflows/${name}.json`, import.meta.url);
  return graphSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

const backendsSchema = z.object({
  workflow: z.object({
    backends: z.array(z.object({ backend: z.string(), canRun: z.boolean(), missing: z.array(z.string()) })),
    parameters: z.array(z.object({ name: z.string(), choices: z.array(z.object({ value: z.string() })).nullable() })),
  }),
});

async function workflow(gateway: Gateway) {
  const query = `{ workflow(name: "textToImage") {
    backends { backend canRun missing } parameters { name choices { value } } } }`;
  return (await gateway.ask(backendsSchema, query)).workflow;
}

const gone = { parameters: { model: 'sd_xl_bas.safetensors' } };

describe('a job is checked against what the servers have', { timeout: 120_000 }, () => {
  const suite = disposals();

  it('before it is queued, and as soon as that is known', async () => {
    const product = await openProduct(suite, { simulators: 2, speed: 20 });
    const gateway = await product.gateway();

    // Nothing is known yet: the worker decides.
    const early = custom(recorded('e05_value_smaller_than_min'));
    const { job } = generated(await gateway.tryGenerate(early));
    expect((await workflow(gateway)).backends).toEqual([]);

    await product.worker();
    const known = async () => (await workflow(gateway)).backends.length === 2;
    await eventually(known, 'the catalogues of both servers are known');
    const ended = await gateway.watch(job.id).end();
    expect(ended.job).toMatchObject({ status: 'FAILED', error: { code: 'WORKFLOW_REJECTED', retryable: false } });

    const { backends, parameters } = await workflow(gateway);
    expect(backends).toEqual(['comfy1', 'comfy2'].map((backend) => ({ backend, canRun: true, missing: [] })));
    const models = parameters.find(({ name }) => name === 'model')?.choices?.map(({ value }) => value) ?? [];
    expect(models).toContain('sd_xl_base_1.0.safetensors');
    expect(models).toEqual([...new Set(models)].sort());

    const issue = [
      'input.workflow.textToImage.model',
      'not_a_choice',
      expect.stringContaining('"sd_xl_bas.safetensors" is not a choice; did you mean sd_xl_base_1.0.safetensors'),
    ];
    expect(await refused(gateway, gone)).toEqual([issue]);

    // The key of the job that was accepted still gives that job, and another input is still another.
    expect(await refused(gateway, custom(recorded('e05_value_smaller_than_min')))).toHaveLength(1);
    expect(generated(await gateway.tryGenerate(early))).toMatchObject({ replayed: true, job: { id: job.id } });
    const other = await gateway.tryGenerate(custom(recorded('e06_value_bigger_than_max'), early.key));
    expect(other.errors[0]?.extensions).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED', jobId: job.id });

    // What is refused does not use up its key.
    const fresh = randomUUID();
    await refused(gateway, { key: fresh, ...gone });
    const taken = generated(await gateway.tryGenerate({ key: fresh }));
    expect(taken.replayed).toBe(false);
    await gateway.expectWhole((await gateway.watch(taken.job.id).end()).job);

    const at = 'input.workflow.custom.graph';
    expect(await refused(gateway, custom(recorded('e16_model_not_installed')))).toEqual(
      expect.arrayContaining([
        [`${at}.3.inputs.steps`, 'too_small', 'expected an integer of 1 to 10000, got 0'],
        [`${at}.3.inputs.sampler_name`, 'not_a_choice', expect.stringContaining('did you mean euler')],
        [`${at}.4.inputs.ckpt_name`, 'not_a_choice', expect.stringContaining('sd_xl_base_1.0.safetensors')],
      ]),
    );
    for (const [name, path, code] of [
      ['e01_missing_node_type', `${at}.1.class_type`, 'unknown_class'],
      ['e03_no_outputs', at, 'required'],
      ['e04_required_input_missing', `${at}.2.inputs.images`, 'required'],
      ['e05_value_smaller_than_min', `${at}.1.inputs.width`, 'too_small'],
      ['e06_value_bigger_than_max', `${at}.1.inputs.batch_size`, 'too_big'],
      ['e07_invalid_input_type', `${at}.1.inputs.width`, 'invalid_type'],
      ['e08_value_not_in_list', `${at}.2.inputs.upscale_method`, 'not_a_choice'],
      ['23_partly_invalid', `${at}.3.inputs.images`, 'required'],
    ] as const) {
      expect(await refused(gateway, custom(recorded(name)))).toEqual([[path, code, expect.any(String)]]);
    }
    // Only the server can know of these.
    for (const name of ['e13_dependency_cycle', 'e14_custom_validation_failed']) {
      const accepted = generated(await gateway.tryGenerate(custom(recorded(name))));
      expect((await gateway.watch(accepted.job.id).end()).job.error?.code).toBe('WORKFLOW_REJECTED');
    }
  });

  it('also while no worker lives that could say so again', async () => {
    const product = await openProduct(suite, { speed: 20 });
    const first = await product.gateway();
    const worker = await product.worker();
    await eventually(async () => (await workflow(first)).backends.length === 1, 'the catalogue is known');
    await worker.stop(10_000);
    // One that has just started asks before it takes its first job.
    expect(await refused(await product.gateway(), gone)).toHaveLength(1);
    generated(await first.tryGenerate());
  });
});
