import type { Config } from './config.ts';

/** Every secret in the configuration. None of them may appear in a log line. */
export function secretsIn({ redis, comfyui, s3, folder, tracing }: Config): string[] {
  const addresses = [redis.url, tracing?.endpoint, ...(comfyui.backends ?? []).map(({ url }) => url)];
  const headers = Object.values(tracing?.headers ?? {});
  const secrets = [
    ...addresses.flatMap((address) => passwordsIn(address ?? '')),
    s3?.accessKey,
    s3?.secretKey,
    folder.signingSecret,
    comfyui.orgApiKey,
    // The whole value, and the value without a scheme such as Bearer.
    ...headers.flatMap((value) => [value, value.replace(/^\S+\s+/, '')]),
  ];
  return secrets.filter((secret) => secret !== undefined);
}

/** The passwords in the login and in the query of an address, both as written and percent-decoded. */
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
