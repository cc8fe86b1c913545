/** How long each of so many small queries takes over HTTP, one after another; the longest last, in milliseconds. */
export async function latencies(url: string, count: number): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    const response = await fetch(`${url}/graphql?query={__typename}`);
    await response.text();
    if (response.status !== 200) throw new Error(`answered ${response.status}`);
    taken.push(performance.now() - began);
  }
  return taken.sort((a, b) => a - b);
}
