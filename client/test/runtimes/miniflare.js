// miniflare.js WORKER URL: runs a worker in workerd, and prints its answer.
import { Miniflare } from 'miniflare';

const [, , scriptPath, url] = process.argv;
const miniflare = new Miniflare({ modules: true, scriptPath, compatibilityDate: '2026-01-01' });
try {
  const answer = await miniflare.dispatchFetch(`http://worker/?${new URLSearchParams({ url })}`);
  console.log(await answer.text());
} finally {
  await miniflare.dispose();
}
