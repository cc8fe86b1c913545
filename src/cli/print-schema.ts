import { lexicographicSortSchema, printSchema } from 'graphql';
import { createSchema } from '../graphql/schema.ts';
import { type LoadOptions, loadCatalogue } from '../workflows/load.ts';

/** The schema with the installed workflows as SDL. Rejects with a CatalogueError where they cannot be used. */
export async function schemaText(options: LoadOptions): Promise<string> {
  return `${printSchema(lexicographicSortSchema(createSchema(await loadCatalogue(options))))}\n`;
}
