// Simulates users of the gateway, each with its own connections. Each runs one job after the other until the time is
// up, and at least one.
import type * as z from 'zod';
import { answerParent } from '../rpc.ts';
import { type JobTimes, openGatewayClient } from './gateway-client.ts';
import { type usersAnswerSchema, usersSchema } from './users-plan.ts';

const MOST_FAULTS = 5;

async function run(args: unknown): Promise<z.infer<typeof usersAnswerSchema>> {
  const { url, users, warmMs, ms, picture } = usersSchema.parse(args);
  const start = performance.now();
  const begin = start + warmMs;
  const end = begin + ms;
  const times: JobTimes[] = [];
  const faults: string[] = [];
  let failed = 0;
  let ended = 0;

  async function user(number: number) {
    const gateway = openGatewayClient(url, picture);
    await new Promise((resolve) => setTimeout(resolve, (warmMs * number) / users));
    do {
      const began = performance.now();
      try {
        const job = await gateway.run();
        if (began >= begin) times.push(job);
        const at = performance.now();
        if (at >= begin && at < end) ended++;
      } catch (error) {
        failed++;
        if (faults.length < MOST_FAULTS) faults.push(String(error));
      }
    } while (performance.now() < end);
    await gateway.close();
  }
  await Promise.all(Array.from({ length: users }, (_, number) => user(number)));
  return {
    jobs: times.length,
    failed,
    faults,
    perSecond: ended / (ms / 1000),
    generateMs: times.map(({ generateMs }) => generateMs),
    deliveryMs: times.map(({ deliveryMs }) => deliveryMs),
  };
}

answerParent({ run });
process.once('disconnect', () => process.exit(0));
process.stdout.write('ready\n');
