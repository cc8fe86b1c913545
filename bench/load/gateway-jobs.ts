// Runs jobs through the gateway like an application: it generates, watches until SUCCEEDED and downloads the result.
import { answerParent } from '../rpc.ts';
import { openGatewayClient } from './gateway-client.ts';
import { jobsSchema, runAll } from './run-all.ts';

async function run(args: unknown) {
  const { url, picture, ...plan } = jobsSchema.parse(args);
  const gateway = openGatewayClient(url, picture);
  try {
    return await runAll(plan, async () => {
      await gateway.run();
    });
  } finally {
    await gateway.close();
  }
}

answerParent({ run });
process.once('disconnect', () => process.exit(0));
process.stdout.write('ready\n');
