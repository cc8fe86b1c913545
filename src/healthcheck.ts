// What the image's HEALTHCHECK runs: exits with 0 when this container's process is well. With an address, it asks that one;
// without, a gateway on PORT, then whatever has the private ADMIN_PORT.   node healthcheck.js [URL]
const TIMEOUT_MS = 4_000;

const { PORT = '4000', ADMIN_PORT } = process.env;
const given = process.argv[2];
const ports = [PORT, ...(ADMIN_PORT ? [ADMIN_PORT] : [])];
const urls = given ? [given] : ports.map((port) => `http://127.0.0.1:${port}/healthz`);

const signal = AbortSignal.timeout(TIMEOUT_MS);
const answers = urls.map(async (url) => {
  const { status } = await fetch(url, { signal, redirect: 'error' }).catch((cause: unknown) => {
    throw new Error(`${url} cannot be reached`, { cause });
  });
  if (status !== 200) throw new Error(`${url} answered ${status}`);
});
try {
  await Promise.any(answers);
} catch (error) {
  const reasons = error instanceof AggregateError ? error.errors : [error];
  process.stderr.write(`${reasons.map(String).join('\n')}\n`);
  process.exitCode = 1;
}
