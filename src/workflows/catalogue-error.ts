/** What is wrong with an installed workflow, and where: `file` below the workflows folder, `field` within it ('' is all of it). */
export interface CatalogueFault {
  file: string;
  field: string;
  reason: string;
}

/** The workflows cannot be used as they are. The message has a line for each fault. */
export class CatalogueError extends Error {
  override readonly name = 'CatalogueError';
  readonly faults: readonly CatalogueFault[];

  constructor(dir: string, faults: readonly CatalogueFault[]) {
    const lines = faults.map(({ file, field, reason }) => `  ${[file, field, reason].filter(Boolean).join(': ')}`);
    super([`the workflows in ${dir} cannot be used:`, ...lines].join('\n'));
    this.faults = faults;
  }
}
