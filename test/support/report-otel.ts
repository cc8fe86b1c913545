import { registerHooks } from 'node:module';

// Loaded into a process of the product before its own code (`node --import`). Prints the packages of OpenTelemetry that
// the process loads.
const reported = new Set<string>();
registerHooks({
  load(url, context, next) {
    const [, name] = /\/node_modules\/(@opentelemetry\/[^/]+)\//.exec(url) ?? [];
    if (name && !reported.has(name)) {
      reported.add(name);
      process.stderr.write(`loaded ${name}\n`);
    }
    return next(url, context);
  },
});
