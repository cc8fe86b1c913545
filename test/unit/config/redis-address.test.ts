import { describe, expect, it } from 'vitest';
import { withoutRedisPassword } from '../../../src/config/mask.ts';
import { parseRedisAddress } from '../../../src/config/redis-address.ts';

const nobody = { tls: false, username: undefined, password: undefined };

describe('an address of Redis', () => {
  it.each(['redis://10.0.0.2:6379/2', 'rediss://me:p%40ss@redis', '/run/redis.sock'])(
    '%s names one server and stays as it is',
    (url) => {
      expect(parseRedisAddress(url)).toEqual({ kind: 'single', url });
    },
  );

  it('names Sentinels, the master that they watch, a database and two logins', () => {
    expect(parseRedisAddress('redis+sentinel://a,b:26380,[::1]:26381/main')).toEqual({
      kind: 'sentinel',
      ...nobody,
      sentinels: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 26_380 },
        { host: '::1', port: 26_381 },
      ],
      master: 'main',
      db: 0,
      sentinelUsername: undefined,
      sentinelPassword: undefined,
    });
    const whole = 'rediss+sentinel://me:a%2Cb%40c@a:1/my-master/3?sentinelUsername=you&sentinelPassword=d%26e';
    expect(parseRedisAddress(whole)).toEqual({
      kind: 'sentinel',
      tls: true,
      username: 'me',
      password: 'a,b@c',
      sentinels: [{ host: 'a', port: 1 }],
      master: 'my-master',
      db: 3,
      sentinelUsername: 'you',
      sentinelPassword: 'd&e',
    });
  });

  it('names nodes of a Cluster', () => {
    expect(parseRedisAddress('redis+cluster://:secret@10.0.0.1:7000, node-2,10.0.0.3/')).toEqual({
      kind: 'cluster',
      ...nobody,
      password: 'secret',
      nodes: [
        { host: '10.0.0.1', port: 7_000 },
        { host: 'node-2', port: 6_379 },
        { host: '10.0.0.3', port: 6_379 },
      ],
    });
  });

  it.each([
    'redis://a:1,b:2',
    'redis+sentinel://a,b',
    'redis+sentinel://a,b/',
    'redis+sentinel:///main',
    'redis+sentinel://a,,b/main',
    'redis+sentinel://a:x/main',
    'redis+sentinel://a:0/main',
    'redis+sentinel://a/main/zero',
    'redis+sentinel://a/main?password=x',
    'redis+sentinel://100%:x@a/main',
    'redis+cluster://',
    'redis+cluster://a/1',
    'redis+cluster://a?x=1',
    'redis+proxy://a',
    'http+cluster://a',
    '',
  ])('%j is none', (raw) => {
    expect(parseRedisAddress(raw)).toBeUndefined();
  });

  it('is shown without its passwords, whatever they hold', () => {
    expect(withoutRedisPassword('redis://me:a,b@c@host:1/2')).toBe('redis://me:********@host:1/2');
    expect(withoutRedisPassword('redis+cluster://:a,b@h1:1,h2:2')).toBe('redis+cluster://:********@h1:1,h2:2');
    const sentinel = 'redis+sentinel://me:secret@h1,h2/main?sentinelUsername=you&sentinelPassword=hidden';
    expect(withoutRedisPassword(sentinel)).toBe(
      'redis+sentinel://me:********@h1,h2/main?sentinelUsername=you&sentinelPassword=********',
    );
    expect(withoutRedisPassword('redis+sentinel://h1,h2/main')).toBe('redis+sentinel://h1,h2/main');
    expect(withoutRedisPassword('/run/redis.sock?password=x')).toBe('/run/redis.sock?password=********');
  });
});
