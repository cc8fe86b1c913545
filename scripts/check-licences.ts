// Prints the packages of package-lock.json whose licence is not allowed, and exits with 1 when there are any.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { refusedPackages } from './licence-rules.ts';

const packageSchema = z.object({
  license: z.string().optional(),
  dev: z.boolean().optional(),
  link: z.boolean().optional(),
});
const lockSchema = z.object({ packages: z.record(z.string(), packageSchema) });
const lock = readFileSync(join(import.meta.dirname, '..', 'package-lock.json'), 'utf8');
const refused = refusedPackages(lockSchema.parse(JSON.parse(lock)).packages);
for (const line of refused) process.stdout.write(`${line}: not in scripts/licence-rules.ts\n`);
if (refused.length > 0) process.exitCode = 1;
