/** Of /graphql at a gateway, whose address may have it already; `/` is the page's own origin. */
export function graphqlUrl(address: string): string {
  const base = /^\w+:/.test(address) ? address : new URL(address || '/', location.href).href;
  return base.replace(/(?:\/graphql)?\/?$/, '/graphql');
}
