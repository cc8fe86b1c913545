// Who may import whom, from the innermost out. Import cycles are the linter's business, files that nobody imports knip's.

const capabilities = 'artifacts|auth|backends|health|jobs|observability|progress|queue|workflows';
const entryPoints = 'src/(?:main|cli|services)\\.ts$';

/** A package, whether its files could be resolved or not. */
const packages = (...names) => `^(?:node_modules/)?(?:${names.join('|')})(?:/|$)`;

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

/** A package that only some files may know. */
const only = (name, path) =>
  rule(`${name}-in-its-place`, `${name} is known only to ${path}`, { pathNot: path }, { path: packages(name) });

export default {
  forbidden: [
    rule(
      'core-is-pure',
      'core imports zod, and of Node only hashing: no I/O, clock or random',
      { path: '^src/core/' },
      { pathNot: ['^src/core/', packages('zod'), '^(?:node:)?crypto$'] },
    ),
    rule(
      'config-stands-alone',
      'the configuration is built before anything else and knows nothing of it',
      { path: '^src/config' },
      { path: '^(?:src|worker)/', pathNot: '^src/config' },
    ),
    rule(
      'capabilities-know-no-surface',
      'use cases and state know neither the API, nor HTTP, nor the processes',
      { path: `^src/(?:${capabilities})/` },
      { path: `^(?:src/(?:graphql|http|simulator|embedded)/|worker/|${entryPoints})` },
    ),
    rule(
      'graphql-knows-ports',
      'the API imports core, use cases and ports',
      { path: '^src/graphql/' },
      { path: `^(?:src/(?:http|simulator|embedded)/|src/redis\\.ts$|worker/|${entryPoints})` },
    ),
    rule(
      'http-carries-graphql',
      'HTTP carries the API and knows no other process',
      { path: '^src/http/' },
      { path: `^(?:src/(?:simulator|embedded)/|src/redis\\.ts$|worker/|${entryPoints})` },
    ),
    rule(
      'worker-has-no-api',
      'a worker serves nobody',
      { path: '^worker/' },
      { path: '^src/(?:graphql|http|simulator|embedded)/' },
    ),
    rule(
      'simulator-stands-alone',
      'it is the stranger that the rest is tried against',
      { path: '^src/simulator/' },
      { path: '^(?:src|worker)/', pathNot: '^src/simulator/' },
    ),
    rule(
      'embedded-stands-alone',
      'what starts the children knows nothing of what they are for',
      { path: '^src/embedded/' },
      { path: '^(?:src|worker)/', pathNot: '^src/embedded/' },
    ),
    rule(
      'drivers-chosen-in-services',
      'everyone else imports the port',
      { path: '^(?:src/)?([^/]+)', pathNot: '^src/services\\.ts$' },
      { path: '^src/[^/]+/(?:redis-[^/]+|bullmq|s3|folder|create-[^/]+)\\.ts$', pathNot: '^src/$1/' },
    ),
    only('bullmq', '^src/queue/'),
    only('minio', '^src/artifacts/'),
    only('ioredis', '^src/(?:redis\\.ts$|(?:backends|health|jobs|progress|queue)/)'),
    only('ws', '^(?:src/http|src/simulator|worker/comfyui)/'),
    only('undici', '^worker/comfyui/'),
    only('graphql-yoga', '^src/http/'),
    only('graphql-ws', '^src/http/'),
    only('@pothos', '^src/graphql/'),
  ],
  options: {
    // The compiler of TypeScript 7 has no interface for tools.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
      extensions: ['.js', '.ts'],
    },
  },
};
