import { startAll } from './app/roles.ts';
import { addressLines, announce, describeAuth, runRole } from './app/run-role.ts';

// `npm start`: everything in one process tree.
await runRole(process.env, async (config, context) => {
  const { graphqlUrl, embedded } = await startAll(config, context);
  const parts = embedded.length > 0 ? [`Embedded: ${embedded.join(', ')}`] : [];
  announce(config, context.outputs, [...parts, describeAuth(config), ...addressLines(config, graphqlUrl)]);
});
