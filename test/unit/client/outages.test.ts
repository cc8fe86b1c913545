import { createClient } from 'graphql-ws';
import { describe, expect, test } from 'vitest';
import { createConnection } from '../../../client/src/connection.ts';
import { createGatewayClient } from '../../../examples/graphql-sse/client.ts';
import { socketScript } from '../../../src/http/graphql/graphiql-socket.ts';
import { readDocsPage } from '../../support/docs-page.ts';
import { openVirtualNetwork } from '../../support/virtual-network.ts';

const HOUR = 3_600_000;
const URL = 'http://gateway/graphql';
const query = 'subscription W($id: ID!) { jobProgress(id: $id) { seq } }';
const variables = { id: 'job' };
const ignore = () => undefined;

/** Watches a job as the script of a page of docs/ does. */
function watchBy(name: string) {
  const page = readDocsPage(name).files.find(({ path }) => path === 'index.html');
  const [, script] = /<script type="module">([\s\S]*)<\/script>/.exec(page?.content ?? '') ?? [];
  const run = new Function('document', `${script}; return watch;`);
  run({ querySelector: () => ({}) })('job', ignore);
}

/** GraphiQL, and the ways in which docs show how a job is watched; each begins to. */
const clients: { [name: string]: () => void } = {
  'client/src/connection.ts'() {
    createConnection(URL).socket.subscribe({ query, variables }, { next: ignore, error: ignore, complete: ignore });
  },
  'examples/graphql-sse/client.ts'() {
    const watching = createGatewayClient(URL).results({ query, variables });
    void (async () => {
      for await (const _ of watching);
    })();
  },
  'the socket of GraphiQL'() {
    const page = { WebSocket, hidden: true };
    new Function('window', 'document', socketScript)(page, { querySelector: () => page });
    // As GraphiQL makes its client.
    const client = createClient({ url: URL, webSocketImpl: page.WebSocket });
    client.subscribe({ query, variables }, { next: ignore, error: ignore, complete: ignore });
  },
  'docs/event-source.md': () => watchBy('event-source.md'),
  'docs/watch-tokens.md': () => watchBy('watch-tokens.md'),
};

/** Wherever in their turns the timers of a page are, in milliseconds. */
const moments = Array.from({ length: 6 }, (_, at) => at * 1_700);

/** Each kind of outage for an hour, and for a minute at every moment: attempts are then as far apart as they get. */
const outages = (['hole', 'refused'] as const).flatMap((kind) =>
  [HOUR, ...moments.map((at) => 60_000 + at)].map((ms) => ({ kind, ms })),
);

describe.each(Object.entries(clients))('%s', { timeout: 120_000 }, (_name, begin) => {
  test('is back within 15 s of a path that has gone silent', async () => {
    // Over more than the longest turn, so that one moment is just behind a sign of life.
    for (let at = 0; at < 16_000; at += 800) {
      const network = openVirtualNetwork();
      begin();
      await network.pass(30_000 + at);
      expect(network.counts().subscriptions).toBeGreaterThan(0);
      network.become('up');
      expect(await network.msUntilMore('subscriptions', 15_000)).toBeLessThan(15_000);
      network.close();
    }
  });

  test('is back within 10 s of the end of an outage of any length', async () => {
    for (const { kind, ms } of outages) {
      const network = openVirtualNetwork();
      begin();
      await network.pass(10_000);
      network.become(kind);
      await network.pass(ms);
      network.become('up');
      expect(await network.msUntilMore('subscriptions', 10_000)).toBeLessThan(10_000);
      network.close();
    }
  });
});

test('a call of connection.ts is answered within 15 s of a silence, and within 10 s of the end of an outage', {
  timeout: 120_000,
}, async () => {
  for (const { kind, ms } of [{ kind: 'silence' as const, ms: 0 }, ...outages]) {
    const network = openVirtualNetwork();
    const connection = createConnection(URL);
    if (kind !== 'silence') network.become(kind);
    connection.fetch(URL, { method: 'POST', body: '{}' }).catch(ignore);
    await network.pass(ms);
    network.become('up');
    const within = kind === 'silence' ? 15_000 : 10_000;
    expect(await network.msUntilMore('calls', within)).toBeLessThan(within);
    expect(connection.state()).toBe('online');
    network.close();
  }
});
