import { Command } from 'commander';
import { createHealthCommand } from './health-command.ts';

const health = createHealthCommand({
  env: process.env,
  write: (text) => void process.stdout.write(text),
  fail: (text) => {
    process.stderr.write(text);
    process.exitCode = 1;
  },
});

// It runs every few seconds in every container, so what only the other commands need is not loaded for it.
const program =
  process.argv[2] === 'health'
    ? new Command('comfygate').addCommand(health)
    : (await import('./program.ts')).createProgram(process.env, health);
await program.parseAsync();
