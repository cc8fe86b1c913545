/** Who may not import whom. Import cycles are the linter's business, files that nobody imports knip's. */
export interface ImportRule {
  readonly why: string;
  /** Paths from the root of the checkout. */
  readonly from: RegExp;
  readonly notFrom?: RegExp;
  /** Paths from the root, or the names of packages and of Node's own modules. */
  readonly to: RegExp;
  readonly notTo?: RegExp;
  /** Types are erased: where this is set, importing only those is no dependency. */
  readonly typesAllowed?: true;
}

const CAPABILITIES =
  /^src\/(?:artifacts|auth|backends|health|jobs|observability|progress|queue|uploads|variants|workflows)\//;
const OUTSIDE = /^(?:src\/(?:graphql|http|simulator|embedded)\/|worker\/)/;
/** What puts the parts together, and what runs that. */
const COMPOSITION = /^src\/(?:main|cli|run|roles|gateway|services|operator-services)\.ts$/;
const DRIVERS = /^src\/[^/]+\/(?:redis-[^/]+|bullmq|s3|folder|create-[^/]+-store)\.ts$/;

export const IMPORT_RULES: readonly ImportRule[] = [
  {
    why: 'core imports zod, and of Node only hashing: no I/O, clock or random',
    from: /^src\/core\//,
    to: /./,
    notTo: /^(?:src\/core\/|zod$|node:crypto$)/,
  },
  {
    why: 'the configuration is built before anything else and knows nothing of it',
    from: /^src\/config/,
    to: /^(?:src|worker)\//,
    notTo: /^src\/config/,
  },
  { why: 'use cases and state know neither API, nor HTTP, nor processes', from: CAPABILITIES, to: OUTSIDE },
  {
    why: 'the API imports core, use cases and ports',
    from: /^src\/graphql\//,
    to: /^(?:src\/(?:http|simulator|embedded)\/|worker\/|src\/redis(?:\.ts$|\/))/,
  },
  {
    why: 'HTTP carries the API and knows no other process',
    from: /^src\/http\//,
    to: /^(?:src\/(?:simulator|embedded)\/|worker\/|src\/redis(?:\.ts$|\/))/,
  },
  { why: 'a worker serves nobody', from: /^worker\//, to: /^src\/(?:graphql|http|simulator|embedded)\// },
  {
    why: 'the simulator is the stranger that the rest is tried against',
    from: /^src\/simulator\//,
    to: /^(?:src|worker)\//,
    notTo: /^src\/simulator\//,
  },
  {
    why: 'what starts the children knows nothing of what they are for',
    from: /^src\/embedded\//,
    to: /^(?:src|worker)\//,
    notTo: /^src\/embedded\//,
  },
  {
    why: 'only the composition root and entry points know what everything is made of',
    from: /^(?:src\/[^/]+|worker\/[^/]+)\//,
    to: COMPOSITION,
  },
  {
    why: 'drivers are chosen in services.ts and operator-services.ts; everyone else imports the port',
    from: /./,
    notFrom: /^src\/(?:operator-)?services\.ts$/,
    to: DRIVERS,
    typesAllowed: true,
  },
  ...[
    only('bullmq', /^src\/queue\//),
    only('minio', /^src\/artifacts\//),
    only('aws4fetch', /^src\/artifacts\//),
    only('sharp', /^src\/variants\//),
    only('ioredis', /^src\/redis(?:\.ts$|\/)/),
    only('ws', /^(?:src\/http|src\/simulator|worker\/comfyui)\//),
    only('prom-client', /^src\/observability\//),
    only('undici', /^worker\/(?:comfyui|inputs)\//),
    only('graphql-yoga', /^src\/http\//),
    only('graphql-ws', /^src\/http\//),
    only('@pothos/core', /^src\/graphql\//),
    only('@opentelemetry', /^src\/observability\//),
  ],
];

function only(name: string, where: RegExp): ImportRule {
  return {
    why: `${name} has its one place, ${where.source}`,
    from: /./,
    notFrom: where,
    to: new RegExp(`^${name}(?:/|$)`),
    typesAllowed: true,
  };
}

/** The rules that an import breaks. Files of one folder may always import each other. */
export function brokenBy(from: string, to: string, typesOnly: boolean): readonly ImportRule[] {
  if (folderOf(from) === folderOf(to)) return [];
  return IMPORT_RULES.filter(
    (rule) =>
      rule.from.test(from) &&
      !rule.notFrom?.test(from) &&
      rule.to.test(to) &&
      !rule.notTo?.test(to) &&
      !(typesOnly && rule.typesAllowed),
  );
}

/** `src/jobs/x.ts` and `src/jobs/deeper/y.ts` are of one folder, files that lie beside `src/jobs` of none. */
function folderOf(path: string): string {
  const [top = '', second = '', ...rest] = path.split('/');
  return rest.length > 0 ? `${top}/${second}` : path;
}
