import { readFileSync } from 'node:fs';
import { createClient } from 'graphql-ws';
import { expect, onTestFinished, test, vi } from 'vitest';
import { testEvent, testJob } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { testCallers, testIdentity } from '../../support/test-callers.ts';

const guide = readFileSync(new URL('../../../docs/credentials.md', import.meta.url), 'utf8');
const { id } = testJob();

/** The client of the guide, with this gateway and shorter waits. */
function runGuide(url: string, freshToken: () => Promise<string>, log: (event: unknown) => void) {
  const [, code = ''] = /^```js\nimport \{ createClient \} from 'graphql-ws';\n([\s\S]*?)^```$/m.exec(guide) ?? [];
  const shorter = code
    .replace('ws://127.0.0.1:4000/graphql', url)
    .replace('5_000', '10')
    .replace('retryAttempts:', 'retryWait: async () => undefined, retryAttempts:');
  const names = ['createClient', 'freshToken', 'id', 'console'];
  const run = new Function(...names, `return (async () => {${shorter}})()`);
  return run(createClient, freshToken, id, { log });
}

async function watch(lifeMs: number) {
  const callers = testCallers();
  const { services, socketUrl } = await startTestServer(callers);
  services.feed.open(id);
  const given: string[] = [];
  const seen: unknown[] = [];
  const watches = vi.spyOn(services.feed, 'watch');
  onTestFinished(() => void vi.restoreAllMocks());
  const freshToken = async () => {
    const token = `token-${given.length}`;
    given.push(token);
    callers.add(token, testIdentity('me', { keyId: token, expiresAt: Date.now() + lifeMs }));
    return token;
  };
  const watching = runGuide(socketUrl, freshToken, (event) => seen.push(Object(event).seq));
  const watched = () => vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
  const sees = async (seq: number) => {
    services.feed.say(id, testEvent(seq));
    await vi.waitFor(() => expect(seen).toContain(seq));
  };
  await watched();
  await sees(1);
  const end = async () => {
    services.feed.end(id);
    await watching;
  };
  const begunAfter = () => watches.mock.calls.map(([request]) => request.afterSeq);
  return { callers, given, seen, watched, sees, end, begunAfter };
}

test("graphql-ws's client as the guide has it gives its socket the next token in time", async () => {
  const { callers, given, sees, end, begunAfter } = await watch(200);
  await vi.waitFor(() => expect(given.length).toBeGreaterThan(2));
  callers.revoke(given[0] ?? '');
  await sees(2);
  expect(begunAfter()).toEqual([null]);
  await end();
});

test('and goes on behind the last event where its token has ended before', async () => {
  const { callers, given, seen, watched, sees, end, begunAfter } = await watch(3_600_000);
  await sees(2);
  callers.revoke(given[0] ?? '');
  await vi.waitFor(() => expect(begunAfter()).toEqual([null, 2]));
  await watched();
  await sees(3);
  expect(seen).toEqual([1, 2, 3]);
  await end();
});
