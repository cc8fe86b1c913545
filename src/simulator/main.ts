import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type FaultPatch, parseFault } from './faults.ts';
import { runSimulator } from './run-simulator.ts';
import { setFaults } from './set-faults.ts';

// The command `comfyui-simulator` of the package of that name, and the child process of `npm start`.

const usage = `usage: comfyui-simulator [--port 8188] [--host 127.0.0.1] [--speed 1 | Infinity] [--fault name=value]...
       comfyui-simulator faults [name=value]... [--url http://127.0.0.1:8188]

The first runs a ComfyUI without a GPU until Ctrl-C; --port 0 takes a free port, --speed 5 is five times as fast. The
second switches faults of one that runs, and prints those that are on; \`faults nothing\` lists all.
`;

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
const faultSettings = z.object({
  url: z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:8188'),
  faults: z.array(z.string().transform(toFault)),
});

try {
  await run(process.argv.slice(2));
} catch (error) {
  // What a person typed, and what answers at an address: neither is worth a stack.
  const message = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
  process.stderr.write(`${message}\n${isUsage(error) ? usage : ''}`);
  process.exitCode = isUsage(error) ? 2 : 1;
}

async function run(args: string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage);
  } else if (args[0] === 'faults') {
    const { values, positionals } = parseArgs({
      args: args.slice(1),
      options: { url: { type: 'string' } },
      allowPositionals: true,
    });
    const { url, faults } = faultSettings.parse({ ...values, faults: positionals });
    process.stdout.write(`${JSON.stringify(await setFaults(url, faults), null, 2)}\n`);
  } else {
    const { values } = parseArgs({
      args,
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        speed: { type: 'string' },
        fault: { type: 'string', multiple: true },
      },
    });
    const { fault, ...options } = settings.parse(values);
    await runSimulator({ ...options, faults: fault });
  }
}

function isUsage(error: unknown): boolean {
  return error instanceof z.ZodError || (error instanceof TypeError && 'code' in error);
}

function toFault(text: string, context: z.RefinementCtx): FaultPatch {
  try {
    return parseFault(text);
  } catch (error) {
    context.addIssue(error instanceof Error ? error.message : String(error));
    return z.NEVER;
  }
}
