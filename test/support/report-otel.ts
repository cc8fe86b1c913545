import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

// Loaded into a process of the product before its own code (`node --import`). Prints the packages of OpenTelemetry that
// the process loads, each once: files of the packages, and files of a build, whose source maps name what is in them.
const reported = new Set<string>();
registerHooks({
  load(url, context, next) {
    for (const [, name] of sourcesOf(url).matchAll(/\/node_modules\/(@opentelemetry\/[^/]+)\//g)) {
      if (name && !reported.has(name)) {
        reported.add(name);
        process.stderr.write(`loaded ${name}\n`);
      }
    }
    return next(url, context);
  },
});

function sourcesOf(url: string): string {
  const map = url.startsWith('file:') ? `${fileURLToPath(url)}.map` : '';
  if (!existsSync(map) || url.includes('/node_modules/')) return url;
  return JSON.parse(readFileSync(map, 'utf8')).sources.join('\n');
}
