import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/config.ts';
import { secretsIn } from '../../../src/config/secrets.ts';

test.each<[string, Record<string, string>, string[]]>([
  ['of a login, raw and decoded', { REDIS_URL: 'redis://u:pa%2Fss%40word@r.test' }, ['pa%2Fss%40word', 'pa/ss@word']],
  ['of the query', { REDIS_URL: 'redis://r.test/0?password=quer%79' }, ['quer%79', 'query']],
  [
    'of Redis and of its Sentinels',
    { REDIS_URL: 'redis+sentinel://:master-pw@s1.test,s2.test/mymaster?sentinelPassword=s%2Fpw' },
    ['master-pw', 's/pw'],
  ],
  ['of a Cluster', { REDIS_URL: 'redis+cluster://u:cluster-pw@n1.test,n2.test' }, ['cluster-pw']],
  [
    'of ComfyUI servers',
    { COMFYUI_URLS: 'a=http://u:first@a.test,b=http://b.test,c=http://u:th%C3%AFrd@c.test' },
    ['first', 'thïrd'],
  ],
  ['of comfy.org', { COMFY_ORG_API_KEY: 'partner' }, ['partner']],
  [
    'of headers, whole and without a scheme',
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://o.test',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc.def,x-key=plain',
    },
    ['Bearer abc.def', 'abc.def', 'plain'],
  ],
])('secrets %s are found', (_where, env, expected) => {
  expect(secretsIn(loadConfig(env))).toEqual(expect.arrayContaining(expected));
});

test('where there are none, none are found', () => {
  expect(secretsIn(loadConfig({ REDIS_URL: 'redis://r.test:6379', COMFYUI_URLS: 'http://c.test:8188' }))).toEqual([]);
});
