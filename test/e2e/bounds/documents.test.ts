import { expect, it } from 'vitest';
import { subscribe } from '../../support/attack.ts';
import { dialFrom, startLimitedGateway } from '../../support/limited-gateway.ts';
import { eventually, openProduct } from '../../support/product.ts';

const HEAP_MEBIBYTES = 160;
const SOCKETS = 4;
const OPERATIONS = 40;

/** 56 KB, whose tree with its locations takes 2 MB. */
const list = `[${'QUEUED '.repeat(8_000)}]`;

it('B03 open subscriptions with long lists cannot fill a gateway, and honest clients go on', async (test) => {
  const product = await openProduct(test, { speed: 5 });
  const [gateway] = await Promise.all([startLimitedGateway(product, HEAP_MEBIBYTES), product.worker()]);
  const early = gateway.watch((await gateway.generate()).id);
  const attackers = await Promise.all(Array.from({ length: SOCKETS }, () => dialFrom(gateway, '127.0.0.2')));
  for (let i = 0; i < OPERATIONS; i++) {
    for (const [n, { say }] of attackers.entries()) {
      say(subscribe(`${i}`, `subscription S${n}x${i} { jobsProgress(filter: { status: ${list} }) { seq } }`));
    }
  }
  const refusals = () =>
    attackers.flatMap(({ heard }) => heard().filter(({ text }) => text.includes('LIMIT_EXCEEDED'))).length;
  // Two of each socket are open.
  await eventually(() => refusals() === SOCKETS * (OPERATIONS - 2), 'the attackers are told', 90_000);
  expect((await early.end()).job.status).toBe('SUCCEEDED');
  const { id } = await gateway.generate();
  expect((await gateway.watch(id).end()).job.status).toBe('SUCCEEDED');
  expect(gateway.process.output()).not.toMatch(/"level":"(error|fatal)"/);
}, 240_000);
