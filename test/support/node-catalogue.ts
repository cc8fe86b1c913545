import { createFileStore } from '../../src/simulator/files.ts';
import { loadCatalogue } from '../../src/simulator/object-info.ts';

/** The stock classes as a ComfyUI with the simulator's models describes them, and a plain copy for `objectInfoSchema`. */
export function stockClasses() {
  const catalogue = loadCatalogue(createFileStore(1_000_000, () => 0));
  const objectInfo: { [className: string]: unknown } = Object.fromEntries(
    catalogue.names().map((name) => [name, JSON.parse(JSON.stringify(catalogue.describe(name)))]),
  );
  return { catalogue, objectInfo };
}
