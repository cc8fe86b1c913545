import assert from 'node:assert/strict';
import { recordedGraph } from './graphs.ts';
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
  { graph: 'e13_dependency_cycle', code: 'WORKFLOW_REJECTED', node: '1', classType: 'ImageInvert', prompts: 1 },
  { graph: 'e14_custom_validation_failed', code: 'WORKFLOW_REJECTED', node: '1', classType: 'LoadImage', prompts: 1 },
  { graph: 'x02_exec_type_error', code: 'EXECUTION_FAILED', node: '1', classType: 'SaveImage', prompts: 1 },
  { graph: 'x03_out_of_memory', code: 'OUT_OF_MEMORY', node: '1', classType: 'EmptyImage', prompts: 2 },
  { graph: '16_preview_only', code: 'NO_OUTPUT', node: null, classType: null, prompts: 1 },
];

/** Graphs that are refused before ComfyUI sees them, by what it says of its classes. */
const REFUSALS: { [graph: string]: string[] } = {
  e01_missing_node_type: ['1.class_type unknown_class'],
  e05_value_smaller_than_min: ['1.inputs.width too_small'],
  e06_value_bigger_than_max: ['1.inputs.batch_size too_big'],
  e07_invalid_input_type: ['1.inputs.width invalid_type'],
  e08_value_not_in_list: ['2.inputs.upscale_method not_a_choice'],
  '23_partly_invalid': ['3.inputs.images required'],
};

const refusalScenarios = Object.entries(REFUSALS).map(
  ([graph, issues]): Scenario => ({
    name: `${graph}: BAD_USER_INPUT at ${issues.join(', ')}`,
    async play({ product, server }) {
      const sent = await promptsSent(server, async () => {
        const told = await product.refusal({ custom: { graph: await recordedGraph(graph) } });
        assert.deepEqual(
          told,
          issues.map((issue) => `input.workflow.custom.graph.${issue}`),
        );
      });
      assert.equal(sent, 0, 'prompts that ComfyUI was sent');
      return 'refused';
    },
  }),
);

/** Graphs that only ComfyUI can refuse or that break while they run: what the caller is told of it. */
const endedScenarios: Scenario[] = FAILURES.map(({ graph, code, node, classType, prompts }) => ({
  name: `${graph}: ${code}${node === null ? '' : ` at node ${node}`}`,
  async play({ product, server }) {
    let message = '';
    const sent = await promptsSent(server, async () => {
      const run = await runJob(product, { custom: { graph: await recordedGraph(graph) } });
      const { status, error, artifacts } = await run.ended();
      assert.equal(status, 'FAILED');
      assert(error, 'it says why');
      assert.deepEqual([error.code, error.nodeId, error.classType], [code, node, classType]);
      assert.equal(artifacts.length, 0);
      message = error.message;
    });
    assert(message.trim() !== '' && !message.includes('\n'), `one line: ${message}`);
    assert(!/Traceback|(?:^|[\s'"(])(?:\/|[A-Za-z]:\\)[\w.-]+[/\\]/.test(message), `no path: ${message}`);
    assert.equal(sent, prompts, 'prompts that ComfyUI was sent');
    assert.equal(await server.queueLength(), 0, 'nothing of it is left there');
    return message;
  },
}));

export const failureScenarios: Scenario[] = [...refusalScenarios, ...endedScenarios];
