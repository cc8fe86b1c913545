// Imported before a script: at its end, says on stderr how much JavaScript of files it has loaded, and which of Node's.
import { registerHooks } from 'node:module';

let bytes = 0;
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    bytes += loaded.source?.length ?? 0;
    return loaded;
  },
});
process.on('exit', () => {
  const hasFetch = process.moduleLoadList.some((name) => name.includes('undici'));
  process.stderr.write(`${JSON.stringify({ bytes, hasFetch })}\n`);
});
