/** Licences under which a package may be used here, by their SPDX identifiers. */
const ALLOWED = new Set([
  ...['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MIT-0', 'Unlicense'],
  // Of single files, which stay as they are.
  'MPL-2.0',
  // Of the shared libraries behind sharp, which anybody may put others in the place of.
  'LGPL-3.0-or-later',
]);
/** Of packages that are only used to build and test, and go out with nothing. */
const ALLOWED_IN_DEVELOPMENT = new Set([...ALLOWED, 'CC0-1.0', 'CC-BY-4.0', 'Python-2.0']);

export interface LockedPackage {
  license?: string | undefined;
  dev?: boolean | undefined;
  /** Leads to a package of this project, which is listed by its folder. */
  link?: boolean | undefined;
}

/**
 * Whether an SPDX expression is allowed: one side of an OR, both of an AND. OR binds weaker; brackets may only be
 * around the whole.
 */
export function isAllowed(expression: string, dev: boolean): boolean {
  const allowed = dev ? ALLOWED_IN_DEVELOPMENT : ALLOWED;
  const [, inner = expression] = /^\(([^()]*)\)$/.exec(expression) ?? [];
  return inner.split(' OR ').some((side) => side.split(' AND ').every((licence) => allowed.has(licence.trim())));
}

/** A line for each package whose licence is not allowed, or not told. `packages`: those of a package-lock.json. */
export function refusedPackages(packages: Readonly<Record<string, LockedPackage>>): string[] {
  return Object.entries(packages)
    .filter(([path, { license = '', dev = false, link }]) => path !== '' && !link && !isAllowed(license, dev))
    .map(([path, { license, dev }]) => `${path}: ${license ?? 'no licence'}${dev ? ', in development' : ''}`);
}
