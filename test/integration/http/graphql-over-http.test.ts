import { serverAudits } from 'graphql-http';
import { expect, test } from 'vitest';
import { startTestServer } from '../../support/http-server.ts';

test('passes all of the audits of GraphQL over HTTP', async () => {
  const { graphql } = await startTestServer();
  const results = await Promise.all(serverAudits({ url: graphql, fetchFn: fetch }).map((audit) => audit.fn()));
  const failed = results.filter(({ status }) => status !== 'ok');
  expect(failed.map(({ name, ...rest }) => ({ name, reason: 'reason' in rest ? rest.reason : '' }))).toEqual([]);
  expect(results).toHaveLength(61);
});
