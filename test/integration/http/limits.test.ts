import { expect, test } from 'vitest';
import { unavailable } from '../../../src/core/errors.ts';
import { type LimitState, limitError } from '../../../src/core/limits.ts';
import type { GenerateRequest } from '../../../src/jobs/jobs.ts';
import { testJob, testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { testLimits } from '../../support/limits.ts';

const left: LimitState[] = [
  { name: 'requestsPerMinute', limit: 10, periodMs: 60_000, remaining: 8, resetsInMs: 11_200 },
  { name: 'gpuSecondsPerDay', limit: 1800.5, periodMs: 86_400_000, remaining: 1201.25, resetsInMs: 28_000_000 },
  { name: 'queued', limit: 5, periodMs: null, remaining: 4, resetsInMs: null },
];
const POLICY = '"requestsPerMinute";q=10;w=60, "gpuSecondsPerDay";q=1800;w=86400, "queued";q=5';
const LEFT = '"requestsPerMinute";r=8;t=12, "gpuSecondsPerDay";r=1201;t=28000, "queued";r=4';

const CALL = 'generate(input: { idempotencyKey: "k", workflow: { textToImage: { prompt: "p" } } }) { job { id } }';
const mutation = (...calls: string[]) => ({ query: `mutation { ${calls.join(' ')} }` });

async function serverThat(generate: (request: GenerateRequest) => void, options = {}) {
  const services = await testServices({
    jobs: {
      async generate(request) {
        generate(request);
        return { job: testJob(), replayed: false };
      },
      limits: async () => left,
    },
  });
  return startTestServer({ services, ...options });
}

/** Reads a list of strings with parameters of integers (RFC 9651), and nothing else. */
function parseList(text: string): { [name: string]: { [parameter: string]: number } } {
  const item = /^"([\x20-\x21\x23-\x5b\x5d-\x7e]*)"((?:;[a-z*][a-z0-9_.*-]*=\d{1,15})*)$/;
  return Object.fromEntries(
    text.split(/[ \t]*,[ \t]*/).map((each) => {
      const [, name, parameters] = item.exec(each) ?? [];
      if (name === undefined) throw new Error(`no item of a list: ${each}`);
      const pairs = (parameters ?? '').split(';').slice(1);
      return [name, Object.fromEntries(pairs.map((pair) => [pair.split('=')[0], Number(pair.split('=')[1])]))];
    }),
  );
}

test('an answer tells what is left of the limits, and what its jobs are likely to take', async () => {
  const { post } = await serverThat(({ onLimits }) => onLimits?.({ gpuMs: 1_500, left }));
  const answer = await post(mutation(`a: ${CALL}`, `b: ${CALL}`));
  expect(answer.status).toBe(200);
  expect(answer.headers.get('RateLimit-Policy')).toBe(POLICY);
  expect(answer.headers.get('RateLimit')).toBe(LEFT);
  expect(parseList(POLICY)).toMatchObject({ requestsPerMinute: { q: 10, w: 60 }, queued: { q: 5 } });
  expect(parseList(LEFT)).toMatchObject({ requestsPerMinute: { r: 8, t: 12 } });
  const { data, extensions } = await answer.json();
  expect(data.a.job.id).toBeDefined();
  expect(extensions).toEqual({
    cost: {
      gpuSeconds: { estimated: 3 },
      remaining: { requestsPerMinute: 8, gpuSecondsPerDay: 1201.25, queued: 4 },
    },
  });
});

test('without limits an answer tells nothing of them', async () => {
  const { post } = await serverThat(() => undefined);
  const answer = await post(mutation(CALL));
  expect(answer.headers.get('RateLimit')).toBeNull();
  expect(await answer.json()).not.toHaveProperty('extensions');
});

const limits = testLimits({ requestsPerMinute: 10, gpuSecondsPerDay: 1800, queued: 5 });

test('what a limit refuses is 429, with the time after which there is room, its limit, and what is left', async () => {
  const { post } = await serverThat(({ onLimits }) => {
    onLimits?.({ gpuMs: 0, left });
    throw limitError({ name: 'requestsPerMinute', remaining: 0, waitMs: 5_100 }, limits, 0);
  });
  const answer = await post(mutation(CALL));
  expect(answer.status).toBe(429);
  expect(answer.headers.get('Retry-After')).toBe('6');
  expect(answer.headers.get('RateLimit')).toBe(LEFT);
  const { data, errors } = await answer.json();
  expect(data).toEqual({ generate: null });
  expect(errors[0].extensions).toEqual({
    ...{ code: 'RATE_LIMITED', retryAfter: 6, name: 'requestsPerMinute', limit: 10, remaining: 0 },
  });
  expect(errors[0].message).toContain('your plan test');
});

test('a quota is 429, too, and is told by a code of its own', async () => {
  const { post } = await serverThat(() => {
    throw limitError({ name: 'gpuSecondsPerDay', remaining: 2.5, waitMs: 3_600_000 }, limits, 30_000);
  });
  const answer = await post(mutation(CALL));
  expect([answer.status, answer.headers.get('Retry-After')]).toEqual([429, '3600']);
  const [{ message, extensions }] = (await answer.json()).errors;
  expect(extensions).toMatchObject({ code: 'QUOTA_EXCEEDED', name: 'gpuSecondsPerDay', limit: 1800, remaining: 2.5 });
  expect(message).toContain('likely to take 30');
});

test('an answer of which something came is 200, also where a limit refused the rest', async () => {
  let calls = 0;
  const { post } = await serverThat(({ onLimits }) => {
    onLimits?.({ gpuMs: calls === 0 ? 1_000 : 0, left });
    if (calls++ > 0) throw limitError({ name: 'queued', remaining: 0, waitMs: null }, limits, 1_000);
  });
  const answer = await post(mutation(`a: ${CALL}`, `b: ${CALL}`));
  expect(answer.status).toBe(200);
  const { errors, extensions } = await answer.json();
  expect(errors[0].extensions).toMatchObject({ code: 'QUOTA_EXCEEDED', name: 'queued', retryAfter: 10 });
  expect(extensions.cost.gpuSeconds).toEqual({ estimated: 1 });
});

test('a part that is down is still 503', async () => {
  const { post } = await serverThat(() => {
    throw unavailable('no', 3);
  });
  const answer = await post(mutation(CALL));
  expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '3']);
});

test('a page of a listed origin may read what is left', async () => {
  const { post } = await serverThat(() => undefined, { allowedOrigins: ['https://app.test'] });
  const answer = await post(mutation(CALL), { origin: 'https://app.test' });
  expect(answer.headers.get('Access-Control-Expose-Headers')).toMatch(/RateLimit, RateLimit-Policy/);
});

test('a caller reads its limits', async () => {
  const { post, services } = await serverThat(() => undefined);
  const answer = await post({ query: '{ viewer { plan limits { name limit remaining resetsAt } } }' });
  const after = (ms: number) => new Date(services.now() + ms).toISOString();
  expect((await answer.json()).data.viewer.limits).toEqual([
    { name: 'requestsPerMinute', limit: 10, remaining: 8, resetsAt: after(11_200) },
    { name: 'gpuSecondsPerDay', limit: 1800, remaining: 1201, resetsAt: after(28_000_000) },
    { name: 'queued', limit: 5, remaining: 4, resetsAt: null },
  ]);
});
