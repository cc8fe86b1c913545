import { expect, onTestFinished, test } from 'vitest';
import { createComfyClient } from '../../../worker/comfyui/client.ts';
import { createComfyHttp } from '../../../worker/comfyui/http.ts';
import { startMonitor } from '../../../worker/pool/monitor.ts';
import { createStallWatch } from '../../../worker/pool/stall-watch.ts';
import { silent } from '../../support/gateway-store.ts';
import { listen } from '../../support/listen.ts';

test('the models of a workflow that has come are read at the next look, and not again at each', async () => {
  const loader = (name: string) => ({ [name]: { input: { required: { name: [[`of ${name}.safetensors`]] } } } });
  const answers: { [path: string]: unknown } = {
    '/api/system_stats': { system: { comfyui_version: '0.33.0' }, devices: [] },
    '/api/prompt': { exec_info: { queue_remaining: 0 } },
    '/api/object_info': {},
    '/api/object_info/Load': loader('Load'),
    '/api/object_info/LoadUpscaler': loader('LoadUpscaler'),
  };
  const asked: string[] = [];
  const url = await listen(({ url: path = '' }, res) => {
    if (path.startsWith('/api/object_info/')) asked.push(path);
    res.end(JSON.stringify(answers[path]));
  });
  const http = createComfyHttp(url);
  onTestFinished(() => http.close());
  let modelInputs = ['Load.name'];
  let looks = 0;
  const models = new Promise((resolve) => {
    const monitor = startMonitor({
      name: 'a',
      client: createComfyClient(http),
      stalls: createStallWatch({ notTakenMs: 1, outlivedMs: 1, longestMs: 1, leftAloneMs: 1 }),
      modelInputs: () => [...modelInputs],
      publish: async () => 'hash',
      log: silent,
      intervalMs: 1,
      onTurn: () => undefined,
      onSeen(report) {
        looks += 1;
        if (looks === 3) modelInputs = [...modelInputs, 'LoadUpscaler.name'];
        if (looks === 6) resolve(report.models);
      },
    });
    onTestFinished(() => monitor.close());
  });
  expect(await models).toEqual({
    'Load.name': ['of Load.safetensors'],
    'LoadUpscaler.name': ['of LoadUpscaler.safetensors'],
  });
  const [load, upscaler] = ['/api/object_info/Load', '/api/object_info/LoadUpscaler'];
  expect(asked.toSorted()).toEqual([load, load, upscaler]);
});
