/** What was chosen for the parameters of a workflow, by their names; what is absent is as the workflow has it. */
export type Recipe = Readonly<Record<string, unknown>>;

/**
 * The address of the form of a workflow, filled in. It is behind the `#`, which browsers send to no server: prompts
 * stand in no log, and are as long as they like. A text stands there as it is; anything else as JSON, behind a `:`.
 */
export function recipeAddress(workflow: string, recipe: Recipe): string {
  const text = encodeRecipe(recipe);
  return `/make/${encodeURIComponent(workflow)}${text === '' ? '' : `#${text}`}`;
}

export function encodeRecipe(recipe: Recipe): string {
  const fields = Object.entries(recipe).flatMap(([name, value]) => {
    if (value === undefined || value === null) return [];
    const plain = typeof value === 'string' && !value.startsWith(':');
    return [[name, plain ? value : `:${JSON.stringify(value)}`]];
  });
  return new URLSearchParams(fields).toString();
}

/** What is no recipe, such as an address that was cut off, is left out. */
export function decodeRecipe(text: string): Recipe {
  const fields = [...new URLSearchParams(text.replace(/^#/, ''))].flatMap(([name, value]): [string, unknown][] => {
    if (!value.startsWith(':')) return [[name, value]];
    try {
      return [[name, JSON.parse(value.slice(1)) as unknown]];
    } catch {
      return [];
    }
  });
  return Object.fromEntries(fields);
}
