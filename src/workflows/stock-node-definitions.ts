import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { parseExactJson } from '../core/exact-json.ts';
import type { NodeDefinitions } from '../core/node-definitions.ts';
import { objectInfoSchema } from '../core/object-info.ts';

/** Reads them once, when they are first wanted. */
export function keepStockNodeDefinitions(): () => Promise<NodeDefinitions> {
  let stock: Promise<NodeDefinitions> | null = null;
  return () => {
    stock ??= readStockNodeDefinitions();
    return stock;
  };
}

/**
 * The 887 classes of ComfyUI 0.33.0 without custom nodes and without models, for where no server's are known. They are
 * read from the file that `scripts/stock-object-info.ts` makes, which takes some hundredths of a second.
 */
export async function readStockNodeDefinitions(): Promise<NodeDefinitions> {
  const packed = await readFile(new URL('./stock-object-info.json.br', import.meta.url));
  const text = (await promisify(brotliDecompress)(packed)).toString();
  return objectInfoSchema.parse(parseExactJson(text));
}
