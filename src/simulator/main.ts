import { parseArgs } from 'node:util';
import { z } from 'zod';
import { runSimulator } from './run-simulator.ts';

const settings = z.object({
  port: z.coerce.number().int().min(0).max(65_535).default(8188),
  host: z.string().min(1).default('127.0.0.1'),
  speed: z
    .string()
    .transform(Number)
    .refine((speed) => speed > 0, 'a number above 0, or Infinity')
    .default(1),
});

const usage = 'usage: npm run simulator -- [--port 8188] [--host 127.0.0.1] [--speed 1 | Infinity]';

const options = { port: { type: 'string' }, host: { type: 'string' }, speed: { type: 'string' } } as const;
const parsed = settings.safeParse(parseArgs({ options }).values);
if (parsed.success) {
  await runSimulator(parsed.data);
} else {
  console.error(`${z.prettifyError(parsed.error)}\n${usage}`);
  process.exitCode = 2;
}
