import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { listen } from './listen.ts';
import type { Lifetime } from './product.ts';

/** An issuer of JWTs, which publishes its keys on 127.0.0.1 until the test, or `lifetime`, ends. */
export interface Issuer {
  url: string;
  /** How often its keys were asked for. */
  readonly asked: number;
  /** Makes a key and publishes it beside those that there are. */
  addKey(kid: string, algorithm?: 'ES256' | 'RS256' | 'EdDSA'): Promise<void>;
  /** Publishes a key no more. It can still sign. */
  withdraw(kid: string): void;
  /** A token of the key. Its claims are `sub` user-1, `aud` comfygate and `exp` in an hour, and those given. */
  token(kid: string, claims?: { [name: string]: unknown }): Promise<string>;
  /** Answers so from now on; null: with the keys. */
  answer(as: { status: number; body: string } | null): void;
}

export async function startIssuer(lifetime?: Pick<Lifetime, 'onTestFinished'>): Promise<Issuer> {
  const keys = new Map<string, { algorithm: string; privateKey: CryptoKey; jwk: JWK | null }>();
  let asked = 0;
  let answerAs: { status: number; body: string } | null = null;
  const url = await listen((_req, res) => {
    asked++;
    const published = [...keys.values()].flatMap(({ jwk }) => jwk ?? []);
    const { status, body } = answerAs ?? { status: 200, body: JSON.stringify({ keys: published }) };
    res.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
  }, lifetime);
  return {
    url,
    get asked() {
      return asked;
    },
    async addKey(kid, algorithm = 'ES256') {
      const { publicKey, privateKey } = await generateKeyPair(algorithm);
      const jwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' };
      keys.set(kid, { algorithm, privateKey, jwk });
    },
    withdraw(kid) {
      const key = keys.get(kid);
      if (key) key.jwk = null;
    },
    token(kid, claims = {}) {
      const key = keys.get(kid);
      if (!key) throw new Error(`there is no key ${kid}`);
      const payload = { iss: url, sub: 'user-1', aud: 'comfygate', exp: Math.floor(Date.now() / 1000) + 3_600 };
      return new SignJWT({ ...payload, ...claims })
        .setProtectedHeader({ alg: key.algorithm, kid })
        .sign(key.privateKey);
    },
    answer(as) {
      answerAs = as;
    },
  };
}
