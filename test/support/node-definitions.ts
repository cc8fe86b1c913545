import { createFileStore } from '../../src/simulator/files.ts';
import { loadObjectInfo } from '../../src/simulator/object-info.ts';

/** The node definitions of the simulator, and the JSON from which `objectInfoSchema` parses them. */
export function stockClasses() {
  const described = loadObjectInfo(createFileStore(1_000_000, () => 0));
  const objectInfo: { [className: string]: unknown } = Object.fromEntries(
    described.names().map((name) => [name, JSON.parse(JSON.stringify(described.describe(name)))]),
  );
  return { nodeDefinitions: described, objectInfo };
}
