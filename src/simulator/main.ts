import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type FaultPatch, parseFault } from './faults.ts';
import { runSimulator } from './run-simulator.ts';

const settings = z.object({
  port: z.coerce.number().int().min(0).max(65_535).default(8188),
  host: z.string().min(1).default('127.0.0.1'),
  speed: z
    .string()
    .transform(Number)
    .refine((speed) => speed > 0, 'a number above 0, or Infinity')
    .default(1),
  fault: z.array(z.string().transform(toFault)).default([]),
});

const usage =
  'usage: npm run simulator -- [--port 8188] [--host 127.0.0.1] [--speed 1 | Infinity] [--fault name=value]...';

const options = {
  port: { type: 'string' },
  host: { type: 'string' },
  speed: { type: 'string' },
  fault: { type: 'string', multiple: true },
} as const;
const parsed = settings.safeParse(parseArgs({ options }).values);
if (parsed.success) {
  const { fault, ...rest } = parsed.data;
  await runSimulator({ ...rest, faults: fault });
} else {
  console.error(`${z.prettifyError(parsed.error)}\n${usage}`);
  process.exitCode = 2;
}

function toFault(text: string, context: z.RefinementCtx): FaultPatch {
  try {
    return parseFault(text);
  } catch (error) {
    context.addIssue(error instanceof Error ? error.message : String(error));
    return z.NEVER;
  }
}
