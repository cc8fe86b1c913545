import type { FaultPatch } from './faults.ts';
import { type SimulatorOptions, startSimulator } from './simulator.ts';

/**
 * Runs a simulator until SIGINT or SIGTERM, or until the process that started this one with an IPC channel has ended.
 * @param faults on from the start.
 */
export async function runSimulator({
  faults = [],
  ...options
}: SimulatorOptions & { faults?: FaultPatch[] }): Promise<void> {
  const simulator = await startSimulator(options).catch((error: Error) => {
    console.error(`error: ${error.message}: choose a --host of this machine, such as 127.0.0.1, and a free --port`);
    process.exit(1);
  });
  for (const fault of faults) simulator.faults.set(fault);
  const stop = (): void => void simulator.close().then(() => process.exit(0));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  process.once('disconnect', stop);
  console.log(`simulated ComfyUI on ${simulator.url}`);
}
