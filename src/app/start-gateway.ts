import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { createUploadFolder } from '../artifacts/folder/upload-folder.ts';
import { ARTIFACTS_PATH } from '../artifacts/signed-query.ts';
import type { Config } from '../config/config.ts';
import { createArtifactTexts } from '../graphql/artifact/artifact-texts.ts';
import { createEngine } from '../graphql/engine/engine.ts';
import { listedByEither } from '../graphql/engine/listed-documents.ts';
import { createSchema } from '../graphql/schema.ts';
import type { Probes } from '../health/health.ts';
import { createArtifactDownload } from '../http/files/artifact-download.ts';
import { createArtifactUpload } from '../http/files/artifact-upload.ts';
import type { ArtifactRoute } from '../http/files/file-routes.ts';
import { createS3Proxy } from '../http/files/s3-proxy.ts';
import { createUploadGate, type UploadGate } from '../http/files/upload-gate.ts';
import { createVariantDownload } from '../http/files/variant-download.ts';
import { type HttpServer, startHttpServer } from '../http/server.ts';
import { readStudioDocuments } from '../http/studio/studio-documents.ts';
import { createSocketCuts, registerSockets } from '../observability/gateway-metrics.ts';
import { createHttpMetrics } from '../observability/http-metrics.ts';
import { createOperationMetrics } from '../observability/operation-metrics.ts';
import { observeAll } from '../observability/operation-observer.ts';
import { createOperationSpans } from '../observability/operation-spans.ts';
import { createDataUploads } from '../uploads/data-uploads.ts';
import { VARIANTS_PATH } from '../variants/variant-addresses.ts';
import { auditRefusals } from './audit-refusals.ts';
import { followCertificate } from './follow-certificate.ts';
import { followDocuments } from './follow-documents.ts';
import { openGatewayServices } from './gateway-services.ts';
import { artifactFolder, type ProcessContext } from './process-context.ts';
import { readVersion } from './version.ts';

/** The share of SHUTDOWN_TIMEOUT in which requests under way may finish. */
const GRACE_SHARE = 0.2;

export interface Gateway extends Pick<HttpServer, 'url'> {
  probes: Probes;
}

/**
 * Starts a gateway in this process. It adds its parts to `context.shutdown`. `allowLoopback`: as the HTTP server's, for
 * the machine of a developer.
 */
export async function startGateway(
  config: Config,
  context: ProcessContext,
  { port, allowLoopback = false }: { port: number; allowLoopback?: boolean },
): Promise<Gateway> {
  const { shutdown, publicUrl } = context;
  const log = context.log.child({ part: 'gateway' });
  const services = await openGatewayServices(config, context);
  const { catalogue, health, artifacts, variants, variantMaker, now } = services;
  const schema = createSchema(catalogue);
  const subscriptions = Object.keys(schema.getSubscriptionType()?.getFields() ?? {});
  const metrics = createOperationMetrics(context.metrics, subscriptions, now);
  const observer = config.tracing ? observeAll([metrics, createOperationSpans()]) : metrics;
  const { introspection, graphiql, persistedDocuments, persistedOnly: only } = config.graphql;
  const listed =
    persistedDocuments &&
    listedByEither(await followDocuments(persistedDocuments, { log, shutdown }), await readStudioDocuments());
  const engine = createEngine({
    schema,
    log,
    observer,
    introspection,
    persisted: listed ? { listed, only } : undefined,
  });
  const { auth = ['none'] } = config.http;
  let draining = false;
  const certificates = config.http.tls && (await followCertificate(config.http.tls, { log, shutdown }));

  const uploadGate = createUploadGate();
  const server = await startHttpServer({
    host: config.http.host,
    port,
    publicUrl,
    allowedOrigins: config.http.allowedOrigins,
    allowLoopback,
    trustedProxies: config.http.trustedProxies,
    ...(!auth.includes('none') && { authenticator: services.authenticator, sessions: services.sessions }),
    onRefused: auditRefusals(services.audit),
    maxBodyBytes: config.http.maxBodyBytes,
    engine,
    services: {
      ...services,
      texts: createArtifactTexts(artifacts),
      dataUploads: createDataUploads({ uploads: services.uploads, store: services.uploadStore, artifacts }),
      artifactUrlTtlSeconds: config.artifactUrlTtlMs / 1000,
      limits: {
        maxUploadBytes: config.inputs.maxBytes,
        maxMegapixels: config.jobs.maxMegapixels,
        maxDeadlineSeconds: config.jobs.maxDeadlineMs / 1000,
      },
    },
    artifacts: createArtifactRoute(config, context, { artifacts, now, gate: uploadGate }),
    variants: {
      path: VARIANTS_PATH,
      serve: createVariantDownload({ addresses: variants, maker: variantMaker, artifacts, now, log }),
    },
    version: readVersion(),
    // Its tools are none of the listed documents.
    mcp: !only,
    health,
    graphiql,
    storageUrl: config.s3?.publicEndpoint,
    certificate: certificates?.current(),
    onAnswered: createHttpMetrics(context.metrics),
    onSocketCut: createSocketCuts(context.metrics),
    ready: async () => !draining && (await services.redisReady()),
    log,
  });
  context.workflows.onChange(() => {
    engine.use(createSchema(catalogue));
    server.toolsChanged();
  });
  certificates?.onChange(server.useCertificate);
  // It may have been renewed while the server was started.
  if (certificates) server.useCertificate(certificates.current());
  registerSockets(context.metrics, server.sockets);
  context.metrics.addBounds(() => ({
    ...server.bounds(),
    held_answers: services.longPoll.use(),
    uploads: uploadGate.use(),
    variants: variantMaker.use(),
  }));
  shutdown.add('http', () => server.close(config.shutdownTimeoutMs * GRACE_SHARE));
  // Added after the HTTP server, so stopped before it: answers held by waitSeconds are then sent within its grace.
  shutdown.add('long polls', () => services.longPoll.close());
  shutdown.add('calls of tools', () => server.endCalls());
  shutdown.add('readiness', () => {
    draining = true;
  });
  const probes: Probes = {
    // A gateway has no loops but Node's event loop, and when that hangs the probe gets no answer at all.
    hangs: () => [],
    async whyNotReady() {
      if (draining) return ['it is about to stop'];
      return (await services.redisReady()) ? [] : ['redis does not answer'];
    },
    report: health,
  };
  return { url: server.url, probes };
}

/**
 * The route of artifact files: of the folder or, where S3's public endpoint is this gateway, a proxy to S3. Undefined
 * where browsers reach S3 directly.
 */
function createArtifactRoute(
  config: Config,
  { signingSecret, publicUrl }: ProcessContext,
  { artifacts, now, gate }: { artifacts: ArtifactStore; now: () => number; gate: UploadGate },
): ArtifactRoute | undefined {
  const { s3 } = config;
  if (s3) {
    const isOurs = new URL(s3.publicEndpoint).origin === new URL(publicUrl).origin;
    return isOurs ? { path: `/${s3.bucket}/`, serve: createS3Proxy({ ...s3, gate }) } : undefined;
  }
  const download = createArtifactDownload({ artifacts, signingSecret, now });
  const uploads = createUploadFolder(artifactFolder(config));
  const upload = createArtifactUpload({ uploads, signingSecret, now, gate });
  return { path: ARTIFACTS_PATH, serve: (req, res) => (req.method === 'PUT' ? upload(req, res) : download(req, res)) };
}
