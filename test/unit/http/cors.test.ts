import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createAccess } from '../../../src/http/access.ts';

function requestWith(headers: { host?: string; origin?: string }) {
  const req = new IncomingMessage(new Socket());
  Object.assign(req.headers, headers);
  return req;
}

const page = 'https://app.example';

describe('the headers of an answer', () => {
  test('let the pages of a listed origin read it, and name no other', () => {
    const access = createAccess({ host: '127.0.0.1', allowedOrigins: [page] });
    expect(access.corsHeaders(requestWith({ origin: page }), 'GET')).toMatchObject({
      Vary: 'Origin',
      'Access-Control-Allow-Origin': page,
      'Access-Control-Allow-Methods': 'GET',
    });
    // A cache must not give one origin the answer to another, so that it depends on the origin is said to all.
    for (const origin of [{}, { origin: 'https://evil.example' }, { origin: 'null' }]) {
      expect(access.corsHeaders(requestWith(origin), 'GET')).toEqual({ Vary: 'Origin' });
    }
  });

  test('are none where no origin is listed', () => {
    const access = createAccess({ host: '127.0.0.1', publicUrl: page, allowedOrigins: [] });
    for (const origin of [page, 'https://evil.example']) {
      expect(access.corsHeaders(requestWith({ origin }), 'GET')).toEqual({});
    }
  });
});

test('a page is of the gateway itself by its Host header, in whatever case that is written', () => {
  const access = createAccess({ host: '127.0.0.1', allowedOrigins: [] });
  const check = (host: string, origin: string) => () => access.checkOrigin(requestWith({ host, origin }));
  expect(check('LocalHost:4000', 'http://localhost:4000')).not.toThrow();
  expect(check('LocalHost:4000', 'https://localhost:4000')).not.toThrow();
  expect(check('localhost:4000', 'http://localhost:4001')).toThrow('Pages of this origin');
  expect(check('localhost:4000', 'null')).toThrow('Pages of this origin');
});
