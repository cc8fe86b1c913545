import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, type GatewayClient, generated } from './gateway-client.ts';

/** Clients that want no harm: each generates, watches, downloads and asks, one job after another. */
export interface HonestClients {
  /** How many jobs each of them has done. */
  readonly done: readonly number[];
  /** How long calls of `generate` took, in milliseconds. */
  readonly generateMs: readonly number[];
  /** How much the gateway's clock went on meanwhile, in milliseconds: see `gatewayMs` of `startHonestClients`. */
  readonly generateGatewayMs: readonly number[];
  /** Answers that told them to come later, by code. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Throws the first error that one of them met and should not have. */
  expectWell(): void;
  /** Begins no other job, and resolves when those under way are done. Rejects with the first such error. */
  finish(): Promise<void>;
}

/** What a client may be told about itself. Anything else would be another's doing. */
const THEIR_OWN = ['RATE_LIMITED', 'LIMIT_EXCEEDED'];
const COMES_BACK_AFTER_MS = 500;
/** Longer than any job of theirs waits behind the others', and long after they would have gone. */
const ENDS_WITHIN_MS = 60_000;

/** `gatewayMs`: a clock of the gateway, such as for how long it has had a processor. Default: one that stands still. */
export function startHonestClients(
  clients: readonly GatewayClient[],
  gatewayMs: () => number = () => 0,
): HonestClients {
  const done = clients.map(() => 0);
  const generateMs: number[] = [];
  const generateGatewayMs: number[] = [];
  const refusals: Record<string, number> = {};
  const failures: unknown[] = [];
  let finishing = false;

  /** Repeats what was refused for now, as the answer says. */
  async function insist(attempt: () => Promise<Answer>): Promise<Answer> {
    const until = performance.now() + ENDS_WITHIN_MS;
    for (;;) {
      const answer = await attempt();
      const [error] = answer.errors;
      if (!error) return answer;
      const { code, retryAfter } = error.extensions;
      if (!THEIR_OWN.includes(code) || performance.now() > until) {
        throw new Error(`answered ${answer.status} ${code}: ${error.message}`);
      }
      refusals[code] = (refusals[code] ?? 0) + 1;
      await sleep(retryAfter === undefined ? COMES_BACK_AFTER_MS : retryAfter * 1_000);
    }
  }

  async function runOne(gateway: GatewayClient): Promise<void> {
    const ask = (query: string, variables = {}) => insist(() => gateway.post(query, variables));
    const accepted = await insist(async () => {
      const before = gatewayMs();
      const answer = await gateway.tryGenerate();
      if (answer.errors.length > 0) return answer;
      generateMs.push(answer.ms);
      generateGatewayMs.push(gatewayMs() - before);
      return answer;
    });
    const { id } = generated(accepted).job;
    const { job } = await gateway.watch(id, { once: true }).end(ENDS_WITHIN_MS);
    if (job.status !== 'SUCCEEDED') throw new Error(`${id} ended ${job.status}: ${JSON.stringify(job.error)}`);
    await gateway.expectWhole(job);
    await ask('query ($id: ID!) { job(id: $id) { id status parameters artifacts { url } } }', { id });
    await ask('{ jobs(first: 5) { nodes { id status } pageInfo { hasNextPage } } }');
    await ask('{ __typename }');
  }

  async function run(gateway: GatewayClient, client: number): Promise<void> {
    while (!finishing) {
      await runOne(gateway);
      done[client] = (done[client] ?? 0) + 1;
    }
  }

  const running = Promise.all(
    clients.map((gateway, client) =>
      run(gateway, client).catch((failure: unknown) => {
        failures.push(failure);
      }),
    ),
  );
  function expectWell() {
    if (failures.length > 0) throw new Error('an honest client met an error', { cause: failures[0] });
  }
  return {
    done,
    generateMs,
    generateGatewayMs,
    refusals,
    expectWell,
    async finish() {
      finishing = true;
      await running;
      expectWell();
    },
  };
}
