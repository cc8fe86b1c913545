import type { NodeInfo, PackNode } from '../../src/simulator/object-info.ts';
import { imageOf, solidFrame } from '../../src/simulator/pictures/frame.ts';
import { PythonError } from '../../src/simulator/protocol/python.ts';

function info(name: string, output: string, input: NodeInfo['input']): NodeInfo {
  return { input, output: [output], output_is_list: [false], is_input_list: false, name, output_node: false };
}

/** Stand-ins for classes that need more than their inputs: what `extra_data` of a request brings. */
export const extraDataNodes: Record<string, PackNode> = {
  /** Of KJNodes: the first value of a node's widgets, by the workflow that the editor has. */
  WidgetToString: {
    info: info('WidgetToString', 'STRING', {
      required: {
        id: ['INT', { default: 0, min: 0, max: 100_000 }],
        widget_name: ['STRING', {}],
        return_all: ['BOOLEAN', { default: false }],
      },
      hidden: { extra_pnginfo: 'EXTRA_PNGINFO', prompt: 'PROMPT', unique_id: 'UNIQUE_ID' },
    }),
    run: ({ extraPnginfo, inputs }) => {
      const { workflow } = extraPnginfo as { workflow?: { nodes: { id: number; widgets_values: unknown[] }[] } };
      if (!workflow) throw new PythonError('TypeError', "'NoneType' object is not subscriptable");
      const found = workflow.nodes.find(({ id }) => id === inputs.id);
      if (!found) throw new PythonError('ValueError', 'No matching node found for the given title or id');
      return { outputs: [String(found.widgets_values[0])] };
    },
  },
  /** A partner node: pays for a picture with the key. Says which one it was given where that is refused. */
  FluxKontextProImageNode: {
    info: info('FluxKontextProImageNode', 'IMAGE', {
      required: { prompt: ['STRING', {}], aspect_ratio: ['STRING', {}] },
      hidden: { auth_token_comfy_org: 'AUTH_TOKEN_COMFY_ORG', api_key_comfy_org: 'API_KEY_COMFY_ORG' },
    }),
    run: ({ apiKey, inputs }) => {
      if (apiKey === null) throw new PythonError('Exception', 'Unauthorized: Please login first to use this node.');
      if (inputs.prompt === 'refuse') {
        throw new PythonError('Exception', `${'x'.repeat(415)} 401 for X-API-KEY ${apiKey} at /proxy?key=${apiKey}`);
      }
      return { outputs: [imageOf([solidFrame(8, 8, [1, 2, 3])])] };
    },
  },
};
