import { describe, expect, test } from 'vitest';
import { listen } from '../../support/listen.ts';
import { productMain, startProduct, startScript } from '../../support/process.ts';

const loadedBytes = new URL('../../support/loaded-bytes.mjs', import.meta.url).href;

async function health(...args: string[]) {
  const process = startProduct(['health', ...args], {});
  const code = await process.exited;
  return { code, output: process.output() };
}

describe('comfygate health', () => {
  test('loads neither the other commands nor what Node needs for fetch', async () => {
    const url = await listen((_, res) => res.end('{"status":"alive"}'));
    const process = startScript(['--import', loadedBytes, productMain, 'health', '--url', url], {});
    expect(await process.exited, process.output()).toBe(0);
    const [status, loaded] = process.output().trim().split('\n');
    expect(status).toBe('alive');
    const { bytes, hasFetch } = JSON.parse(loaded ?? '');
    expect(hasFetch).toBe(false);
    // Of which commander is 125,000.
    expect(bytes).toBeLessThan(200_000);
  });

  test('says of an answer that stops in its middle that there was none', async () => {
    const url = await listen((_, res) => res.writeHead(200, { 'content-length': 100 }).write('{"status":'));
    expect(await health('--url', url)).toEqual({ code: 1, output: `error: ${url}/health did not answer within 4 s\n` });
  });

  test('says of an answer that is cut off that nothing can be reached', async () => {
    const url = await listen((req, res) => {
      res.writeHead(200, { 'content-length': 100 }).write('{"status":', () => req.socket.destroy());
    });
    expect(await health('--url', url)).toEqual({ code: 1, output: `error: ${url}/health cannot be reached\n` });
  });

  test.for([
    ['is not JSON', 200, 'alive'],
    ['is no object', 200, '["alive"]'],
    ['is longer than any health', 200, JSON.stringify({ status: 'alive', text: 'x'.repeat(2_000_000) })],
    ['has a status that is no text', 200, '{"status":1}'],
    [
      'has a check without a name',
      200,
      '{"status":"HEALTHY","checks":[{"status":"HEALTHY","message":null,"since":""}]}',
    ],
    ['is an error of something else', 502, '{"error":"bad gateway"}'],
    ['leads elsewhere', 302, ''],
  ] as const)('takes no answer that %s', async ([_, code, text]) => {
    const url = await listen((_, res) => res.writeHead(code, { location: '/elsewhere' }).end(text));
    const { code: exitCode, output } = await health('--url', url);
    expect(exitCode).toBe(1);
    expect(output).toContain(`${url}/health answered ${code}, and no health`);
  });
});
