import assert from 'node:assert/strict';
import { REFUSALS } from '../refusals.ts';
import { recordedGraph, recordedJson } from './graphs.ts';
import { runJob } from './run.ts';
import { promptsSent, type Scenario } from './scenario.ts';

interface Failure {
  graph: string;
  code: string;
  node: string | null;
  classType: string | null;
  /** Prompts that ComfyUI is sent: the job that may succeed with memory freed is tried once more. */
  prompts: number;
}

const FAILURES: Failure[] = [
  { graph: 'e09_bad_linked_input', code: 'WORKFLOW_REJECTED', node: '2', classType: 'SaveImage', prompts: 1 },
  { graph: 'e11_link_to_bad_slot', code: 'WORKFLOW_REJECTED', node: '2', classType: 'SaveImage', prompts: 1 },
  { graph: 'e13_dependency_cycle', code: 'WORKFLOW_REJECTED', node: '1', classType: 'ImageInvert', prompts: 1 },
  { graph: 'e14_custom_validation_failed', code: 'WORKFLOW_REJECTED', node: '1', classType: 'LoadImage', prompts: 1 },
  { graph: 'x02_exec_type_error', code: 'EXECUTION_FAILED', node: '1', classType: 'SaveImage', prompts: 1 },
  { graph: 'x03_out_of_memory', code: 'OUT_OF_MEMORY', node: '1', classType: 'EmptyImage', prompts: 2 },
  { graph: '15_image_compare', code: 'NO_OUTPUT', node: null, classType: null, prompts: 1 },
  { graph: '16_preview_only', code: 'NO_OUTPUT', node: null, classType: null, prompts: 1 },
];

const refusalScenarios = Object.entries(REFUSALS).map(
  ([name, issues]): Scenario => ({
    name: `${name}: BAD_USER_INPUT at ${issues.join(', ')}, where ComfyUI finds fault, too`,
    async play({ product, server }) {
      const graph = await recordedJson(name);
      const sent = await promptsSent(server, async () => {
        const told = await product.refusal({ custom: { graph } });
        const at = 'input.workflow.custom.graph';
        assert.deepEqual(told.sort(), issues.map((issue) => `${at}${/^\d/.test(issue) ? '.' : ' '}${issue}`).sort());
      });
      assert.equal(sent, 0, 'prompts that ComfyUI was sent');
      const nodes = issues.flatMap((issue) => /^(\w+)\./.exec(issue)?.[1] ?? []);
      assert.deepEqual(await server.faults(graph), [...new Set(nodes)]);
      return nodes.length === 0 ? 'as a whole' : `node ${[...new Set(nodes)].join(', node ')}`;
    },
  }),
);

/** Graphs that only ComfyUI can refuse or that break while they run: what the caller is told of it. */
const endedScenarios: Scenario[] = FAILURES.map(({ graph: name, code, node, classType, prompts }) => ({
  name: `${name}: ${code}${node === null ? '' : ` at node ${node}`}`,
  skip: async ({ server }) => server.lacks(await recordedGraph(name)),
  async play({ product, server }) {
    const graph = await recordedJson(name);
    const faults = code === 'WORKFLOW_REJECTED' ? await server.faults(graph) : [];
    assert(faults, 'ComfyUI finds fault, too');
    // Older servers say of a cycle only that there is something wrong.
    const named = code === 'WORKFLOW_REJECTED' && faults.length === 0 ? [null, null] : [node, classType];
    let message = '';
    const sent = await promptsSent(server, async () => {
      const run = await runJob(product, { custom: { graph } });
      const { status, error, artifacts } = await run.ended();
      assert.equal(status, 'FAILED');
      assert(error, 'it says why');
      assert.deepEqual([error.code, error.nodeId, error.classType], [code, ...named]);
      assert.equal(artifacts.length, 0);
      message = error.message;
    });
    assert(message.trim() !== '' && !message.includes('\n'), `one line: ${message}`);
    assert(!/Traceback|(?:^|[\s'"(])(?:\/|[A-Za-z]:\\)[\w.-]+[/\\]/.test(message), `no path: ${message}`);
    assert.equal(sent, prompts, 'prompts that ComfyUI was sent');
    assert.equal(await server.queueLength(), 0, 'nothing of it is left there');
    if (faults.length > 0) assert(node !== null && faults.includes(node), `ComfyUI finds fault with ${faults}`);
    return message;
  },
}));

export const failureScenarios: Scenario[] = [...refusalScenarios, ...endedScenarios];
