import assert from 'node:assert/strict';
import type { Scenario } from './scenario.ts';

/** Comes last: the product is stopped. */
export const quietEnd: Scenario = {
  name: 'SIGTERM: both end with 0, and no log line has an address or folder of ComfyUI',
  async play({ server, product }) {
    assert.equal(await server.queueLength(), 0, 'nothing is left in its queue');
    const secrets = [...(await server.folders()), new URL(server.url).host, 'Traceback'];
    assert.deepEqual(await product.stop(), [0, 0]);
    const lines = product.output().split('\n');
    const telling = lines.find((line) => secrets.some((secret) => line.includes(secret)));
    assert.equal(telling, undefined);
    const errors = lines.filter((line) => /"level":"(?:error|fatal)"/.test(line));
    assert.equal(errors.length, 0, `${errors.length} errors were logged, first ${errors[0]}`);
    return `${lines.length} lines, ${secrets.length} things not told`;
  },
};
