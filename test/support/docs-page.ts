import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import relayArtifacts from './relay-artifacts.json' with { type: 'json' };

/** What docs/login.md has from Auth0's library, of whoever asks the page's own server. */
const AUTH0 = `
async function getTokenSilently() {
  const answer = await fetch('/token', { method: 'POST' });
  if (!answer.ok) throw new Error('the login is away');
  return answer.text();
}
export const createAuth0Client = async () => ({ isAuthenticated: async () => true, getTokenSilently });
`;

const root = join(import.meta.dirname, '../..');
const installed = (name: string) => join(root, 'node_modules', name);

/** What Vite's template for React brings beside the page's own packages. */
const OF_TEMPLATE = ['react', 'react-dom', 'vite', '@vitejs/plugin-react'];

/** Where docs/relay.md has its compiler put what it makes. */
export const RELAY_FOLDER = 'src/__generated__';

/** A page of docs/ that shows a whole app. */
export function readDocsPage(name: string) {
  const text = readFileSync(join(root, 'docs', name), 'utf8');
  const files = [...text.matchAll(/^`([\w./-]+)`:\n\n```\w+\n([\s\S]*?)^```$/gm)].map(
    ([, path = '', content = '']) => ({ path, content }),
  );
  const commands = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    block.trim().split('\n'),
  );
  // Tools that the page installs beside (`--save-dev`) are not: of Relay's compiler there is what it makes.
  const installs = commands.filter((line) => line.startsWith('npm install ') && !line.includes(' --save-dev '));
  const packages = installs.flatMap((line) => line.split(' ').slice(2));
  const needed = packages.length > 0 ? [...OF_TEMPLATE, ...packages] : [];
  return {
    text,
    files,
    /**
     * Does what the page says in an empty folder: its packages and no others, its copies, its files, whose gateway is
     * the one at `gateway`. Gives back the folder of the app.
     */
    follow(folder: string, gateway: string): string {
      const app = join(folder, 'my-app');
      mkdirSync(join(app, 'src'), { recursive: true });
      symlinkSync(root, join(folder, 'comfygate'));
      for (const each of needed) {
        const link = join(app, 'node_modules', each);
        mkdirSync(dirname(link), { recursive: true });
        symlinkSync(installed(each), link);
      }
      for (const line of commands) {
        if (/^(?:cp|mkdir|rm) /.test(line)) execFileSync('sh', ['-c', line], { cwd: app });
        if (line === 'npx relay-compiler') {
          for (const [file, text] of Object.entries(relayArtifacts)) writeFileSync(join(app, RELAY_FOLDER, file), text);
        }
      }
      for (const { path, content } of files) {
        writeFileSync(join(app, path), content.replaceAll('http://127.0.0.1:4000', gateway));
      }
      return app;
    },
  };
}

/** Does in the folder of an app what docs/login.md says. Its tokens are those of `POST /token` of the app's origin. */
export function addLogin(app: string, gateway: string): void {
  const library = join(app, 'node_modules/@auth0/auth0-spa-js');
  mkdirSync(library, { recursive: true });
  writeFileSync(join(library, 'package.json'), '{"type":"module","main":"index.js"}');
  writeFileSync(join(library, 'index.js'), AUTH0);
  const { files, text } = readDocsPage('login.md');
  for (const { path, content } of files) writeFileSync(join(app, path), content);
  const [, change = ''] = /^In `src\/main\.tsx`[\s\S]*?^```ts\n([\s\S]*?)^```$/m.exec(text) ?? [];
  const [imports = '', made = ''] = change.trim().split('\n\n');
  const main = join(app, 'src/main.tsx');
  const before = readFileSync(main, 'utf8');
  const after = before.replace(/^const comfy = .*$/m, made.replace('http://127.0.0.1:4000', gateway));
  if (made === '' || after === before) throw new Error('the page has nothing that docs/login.md would change');
  writeFileSync(main, `${imports}\n${after}`);
}
