import { startAll } from './app/roles.ts';
import { announce, runRole } from './app/run-role.ts';

// `npm start`: everything in one process tree.
await runRole(process.env, async (config, around) => {
  const { graphqlUrl, embedded } = await startAll(config, around);
  const parts = embedded.length > 0 ? [`Embedded: ${embedded.join(', ')}`] : [];
  announce(config, around.outputs, [...parts, `GraphiQL: ${graphqlUrl}`]);
});
