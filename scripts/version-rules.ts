import * as z from 'zod';

const packageSchema = z.object({
  name: z.string(),
  version: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});
const parsed = (text: string) => packageSchema.parse(JSON.parse(text));

/**
 * What is wrong with the versions of packages that are published together, a line each.
 * @param files texts of their package.json by their paths; the first is that of the root
 * @param changelog CHANGELOG.md, whose first heading of a version is the one that is published next
 */
export function versionFaults(files: ReadonlyMap<string, string>, changelog: string): string[] {
  const packages = [...files].map(([path, text]) => ({ path, ...parsed(text) }));
  const [first, ...others] = packages;
  if (first === undefined) return ['no package.json was given'];
  const { version } = first;
  const names = new Set(packages.map(({ name }) => name));
  const ours = { ...first.dependencies, ...first.devDependencies };
  const newest = /^## v?(\d\S*)/m.exec(changelog)?.[1];
  return [
    ...others.filter((it) => it.version !== version).map((it) => `${it.path}: ${it.version} instead of ${version}`),
    ...others.flatMap(({ path, dependencies, devDependencies }) =>
      Object.entries({ ...dependencies, ...devDependencies }).flatMap(([name, range]) => {
        const wanted = names.has(name) ? `^${version}` : (ours[name] ?? range);
        return range === wanted ? [] : [`${path}: ${name} ${range} instead of ${wanted}`];
      }),
    ),
    ...(newest === version ? [] : [`CHANGELOG.md: the newest heading is ${newest ?? 'absent'} instead of ${version}`]),
  ];
}

/** The text of a package.json with another version, and of packages that are asked for by the old one. */
export function withVersion(text: string, version: string): string {
  const { version: old } = parsed(text);
  return text
    .replace(`"version": "${old}"`, `"version": "${version}"`)
    .replaceAll(/("(?:@comfygate\/[a-z-]+|comfygate|comfyui-simulator)": ")\^[^"]+/g, `$1^${version}`);
}
