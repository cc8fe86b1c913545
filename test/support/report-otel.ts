import { registerHooks } from 'node:module';

// Loaded ahead of a process of the product (`node --import`): says which packages of OpenTelemetry it loads.
const told = new Set<string>();
registerHooks({
  load(url, context, next) {
    const [, name] = /\/node_modules\/(@opentelemetry\/[^/]+)\//.exec(url) ?? [];
    if (name && !told.has(name)) {
      told.add(name);
      process.stderr.write(`loaded ${name}\n`);
    }
    return next(url, context);
  },
});
