import { startAll } from './roles.ts';
import { runRole } from './run.ts';

// `npm start`: everything in one process tree.
await runRole(process.env, async (config, log, shutdown) => {
  const { graphqlUrl, embedded } = await startAll(config, log, shutdown);
  if (embedded.length > 0) process.stdout.write(`Embedded: ${embedded.join(', ')}\n`);
  process.stdout.write(`GraphiQL: ${graphqlUrl}\n`);
});
