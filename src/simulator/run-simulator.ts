import { type SimulatorOptions, startSimulator } from './simulator.ts';

/** Runs a simulator until SIGINT or SIGTERM, or until the parent that started this process over IPC is gone. */
export async function runSimulator(options: SimulatorOptions): Promise<void> {
  const simulator = await startSimulator(options);
  const stop = (): void => void simulator.close().then(() => process.exit(0));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  process.once('disconnect', stop);
  console.log(`simulated ComfyUI on ${simulator.url}`);
}
