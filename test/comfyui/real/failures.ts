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
  { graph: 'e01_missing_node_type', code: 'WORKFLOW_REJECTED', node: '1', classType: 'NoSuchNodeXYZ', prompts: 1 },
  { graph: 'e05_value_smaller_than_min', code: 'WORKFLOW_REJECTED', node: '1', classType: 'EmptyImage', prompts: 1 },
  { graph: 'e13_dependency_cycle', code: 'WORKFLOW_REJECTED', node: '1', classType: 'ImageInvert', prompts: 1 },
  { graph: '23_partly_invalid', code: 'WORKFLOW_REJECTED', node: '3', classType: 'SaveImage', prompts: 1 },
  { graph: 'x02_exec_type_error', code: 'EXECUTION_FAILED', node: '1', classType: 'SaveImage', prompts: 1 },
  { graph: 'x03_out_of_memory', code: 'OUT_OF_MEMORY', node: '1', classType: 'EmptyImage', prompts: 2 },
  { graph: '16_preview_only', code: 'NO_OUTPUT', node: null, classType: null, prompts: 1 },
];

/** Graphs that ComfyUI refuses or that break while they run: what the caller is told of it. */
export const failureScenarios: Scenario[] = FAILURES.map(({ graph, code, node, classType, prompts }) => ({
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
