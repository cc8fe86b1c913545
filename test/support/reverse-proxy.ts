import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from './find-program.ts';
import { startProgram, tempFolder } from './process.ts';
import { eventually } from './product.ts';

export const PROXIES = ['nginx', 'caddy'] as const;

/** What is in the place of what an operator fills in. */
interface Filled {
  port: number;
  gatewayPort: number;
  folder: string;
}

const root = join(import.meta.dirname, '../..');
const NAME = 'comfygate.example.com';

/** Each has to be there, so that the example that is tried is the one that is shown. */
function replaceAll(text: string, replacements: readonly (readonly [string, string])[]): string {
  return replacements.reduce((filled, [from, to]) => {
    if (!filled.includes(from)) throw new Error(`the example has no ${from}`);
    return filled.replaceAll(from, to);
  }, text);
}

const EXAMPLES = {
  nginx: {
    file: 'deploy/nginx/nginx.conf',
    args: ({ folder }: Filled) => ['-c', join(folder, 'config'), '-p', folder, '-g', 'daemon off; master_process off;'],
    fill: (text: string, { port, gatewayPort, folder }: Filled) =>
      replaceAll(text, [
        ['/run/nginx.pid', join(folder, 'nginx.pid')],
        ['error_log /var/log/nginx/error.log;', 'error_log stderr;'],
        ['worker_processes auto;', 'worker_processes 1;'],
        ['worker_connections 20000;', 'worker_connections 200;'],
        // Else it writes where only root may, and as another user.
        [
          'access_log off;',
          `access_log off;\n  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
            .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
            .join('\n  ')}`,
        ],
        ['listen 443 ssl http2;', `listen 127.0.0.1:${port} ssl http2;`],
        [NAME, 'localhost'],
        ['/etc/nginx/comfygate', folder],
        ['127.0.0.1:4000', `127.0.0.1:${gatewayPort}`],
      ]),
  },
  caddy: {
    file: 'deploy/caddy/Caddyfile',
    args: ({ folder }: Filled) => ['run', '--config', join(folder, 'config'), '--adapter', 'caddyfile'],
    fill: (text: string, { port, gatewayPort, folder }: Filled) => {
      const sites = `https://localhost:${port}, https://127.0.0.1:${port}`;
      const filled = replaceAll(text, [
        [`\n${NAME} {`, `\n${sites} {\n\ttls ${folder}/cert.pem ${folder}/key.pem`],
        ['127.0.0.1:4000', `127.0.0.1:${gatewayPort}`],
      ]);
      // Without HTTP/3, whose port the tests use to reserve that of TCP.
      const protocols = '\tservers {\n\t\tprotocols h1 h2\n\t}\n';
      return `{\n\tadmin off\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1\n${protocols}}\n${filled}`;
    },
  },
} as const;

/** Runs the example of the proxy in front of a gateway, and waits until it lets a request through. */
export async function startReverseProxy(
  name: (typeof PROXIES)[number],
  { port, gatewayPort, answers }: { port: number; gatewayPort: number; answers: () => Promise<boolean> },
) {
  const program = findProgram(name);
  if (program === null) throw new Error(`no ${name} program: look with findProgram first`);
  const { path: folder, remove } = await tempFolder();
  const filled = { port, gatewayPort, folder };
  const { file, args, fill } = EXAMPLES[name];
  await writeFile(join(folder, 'config'), fill(await readFile(join(root, file), 'utf8'), filled));
  for (const part of ['cert', 'key']) {
    await copyFile(join(root, `test/fixtures/tls/first-${part}.pem`), join(folder, `${part}.pem`));
  }
  const started = startProgram(program, args(filled), { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder });
  const close = async () => {
    await started.stop(5_000);
    await remove();
  };
  const through = eventually(() => answers().catch(() => false), `${name} lets a request through`, 60_000);
  const ended = started.exited.then((code) => Promise.reject(new Error(`${name} ended with ${code}`)));
  try {
    await Promise.race([through, ended]);
  } catch (cause) {
    await close();
    throw new Error(started.output(), { cause });
  }
  ended.catch(() => undefined);
  return { close };
}
