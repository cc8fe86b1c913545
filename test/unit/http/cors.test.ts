import { type IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createAccess } from '../../../src/http/access.ts';
import { silent } from '../../support/gateway-store.ts';

function requestWith(headers: IncomingHttpHeaders) {
  const req = new IncomingMessage(new Socket());
  Object.assign(req.headers, headers);
  return req;
}

const page = 'https://app.example';

describe('the headers of an answer', () => {
  test('let the pages of a listed origin read it, and name no other', () => {
    const access = createAccess({ host: '127.0.0.1', allowedOrigins: [page], log: silent });
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
    const access = createAccess({ host: '127.0.0.1', publicUrl: page, allowedOrigins: [], log: silent });
    for (const origin of [page, 'https://evil.example']) {
      expect(access.corsHeaders(requestWith({ origin }), 'GET')).toEqual({});
    }
  });
});

test('a page of a listed origin may send credentials and whatever headers its client has', () => {
  const access = createAccess({ host: '127.0.0.1', allowedOrigins: [page], log: silent });
  const asked = 'sentry-trace,x-of-the-app';
  const headers = access.corsHeaders(requestWith({ origin: page, 'access-control-request-headers': asked }), 'POST');
  expect(headers['Access-Control-Allow-Credentials']).toBe('true');
  const allowed = headers['Access-Control-Allow-Headers']?.split(', ');
  for (const name of ['Authorization', 'traceparent', 'tracestate', 'baggage', 'X-Request-ID', 'Last-Event-ID']) {
    expect(allowed).toContain(name);
  }
  for (const name of ['client-name', 'client-version']) expect(allowed).toContain(`apollographql-${name}`);
  expect(allowed).toEqual(expect.arrayContaining(['sentry-trace', 'x-of-the-app', 'apollo-require-preflight']));
});

const loopback = ['http://localhost:5173', 'http://127.0.0.1:3000', 'http://[::1]:8080', 'https://localhost:5173'];

test("pages of a developer's own server may call where loopback is allowed, and only of loopback", () => {
  const access = createAccess({ host: '127.0.0.1', allowedOrigins: [], allowLoopback: true, log: silent });
  for (const origin of loopback) {
    const req = requestWith({ host: 'localhost:4000', origin });
    expect(() => access.checkOrigin(req), origin).not.toThrow();
    expect(access.corsHeaders(req, 'POST')['Access-Control-Allow-Origin']).toBe(origin);
  }
  const others = ['http://localhost.evil.example', 'http://127.0.0.1.evil.example', 'http://10.0.0.1', 'null', ''];
  for (const origin of [...others, 'file://localhost', 'chrome-extension://localhost', 'http://']) {
    const req = requestWith({ host: 'localhost:4000', origin });
    expect(() => access.checkOrigin(req), origin).toThrow('Pages of this origin');
    expect(access.corsHeaders(req, 'POST')).toEqual({ Vary: 'Origin' });
  }
});

test("pages of a developer's own server may not call elsewhere", () => {
  const access = createAccess({ host: '127.0.0.1', allowedOrigins: [], log: silent });
  for (const origin of loopback) {
    const req = requestWith({ host: 'localhost:4000', origin });
    expect(() => access.checkOrigin(req), origin).toThrow('Pages of this origin');
    expect(access.corsHeaders(req, 'POST')).toEqual({});
  }
});

test('a page is of the gateway itself by its Host header, in whatever case that is written', () => {
  const access = createAccess({ host: '127.0.0.1', allowedOrigins: [], log: silent });
  const check = (host: string, origin: string) => () => access.checkOrigin(requestWith({ host, origin }));
  expect(check('LocalHost:4000', 'http://localhost:4000')).not.toThrow();
  expect(check('LocalHost:4000', 'https://localhost:4000')).not.toThrow();
  expect(check('localhost:4000', 'http://localhost:4001')).toThrow('Pages of this origin');
  expect(check('localhost:4000', 'null')).toThrow('Pages of this origin');
});
