import type { Config } from './config.ts';

/** What no line may show, wherever it comes from. */
export function secretsIn({ redis, comfyui, s3, folder, tracing }: Config): string[] {
  const addresses = [redis.url, ...(comfyui.backends ?? []).map(({ url }) => url)];
  const headers = Object.values(tracing?.headers ?? {});
  const secrets = [
    ...addresses.flatMap((address) => passwordsIn(address ?? '')),
    s3?.accessKey,
    s3?.secretKey,
    folder.signingSecret,
    // Whole, and without a scheme such as Bearer.
    ...headers.flatMap((value) => [value, value.replace(/^\S+\s+/, '')]),
  ];
  return secrets.filter((secret) => secret !== undefined);
}

/** Of the login and of the query of an address, as they stand there and as they are sent. */
export function passwordsIn(address: string): string[] {
  const login = /\/\/[^/@]*?:(.*)@/.exec(address)?.[1] ?? '';
  const query = [...address.matchAll(/[?&]\w*password=([^&#]*)/gi)].map(([, password = '']) => password);
  return [login, ...query].flatMap((raw) => [raw, decoded(raw)]).filter((password) => password !== '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone percent sign
  }
}
