import type { Page } from 'playwright-core';
import * as z from 'zod';

const resultSchema = z.object({
  data: z
    .object({ jobProgress: z.object({ seq: z.int(), type: z.string(), job: z.object({ id: z.string().optional() }) }) })
    .nullish(),
  errors: z.array(z.object({ extensions: z.object({ code: z.string() }) })).default([]),
});
const messageSchema = z.object({ type: z.string(), payload: z.unknown().optional() });

/** What a page has been told of one job, over however many connections. */
export interface Heard {
  events: { seq: number; type: string }[];
  /** Codes of errors. */
  errors: string[];
  jobId: string | undefined;
  connections: number;
  /** How often it has sent another token over an open socket. */
  renewals: number;
}

/** The numbers of what has one of its own. */
export const seqsOf = ({ events }: Heard) => events.filter(({ type }) => type !== 'MOVED').map(({ seq }) => seq);

function listener() {
  const heard: Heard = { events: [], errors: [], jobId: undefined, connections: 0, renewals: 0 };
  function take(result: unknown) {
    const { data, errors } = resultSchema.parse(result);
    for (const { extensions } of errors) heard.errors.push(extensions.code);
    if (!data) return;
    heard.events.push({ seq: data.jobProgress.seq, type: data.jobProgress.type });
    heard.jobId = data.jobProgress.job.id ?? heard.jobId;
  }
  return { heard, take };
}

/** What the page hears over its sockets from now on. */
export function hearSockets(tab: Page): Heard {
  const { heard, take } = listener();
  const read = (payload: string | Buffer) => messageSchema.parse(JSON.parse(String(payload)));
  tab.on('websocket', (socket) => {
    heard.connections += 1;
    socket.on('framereceived', ({ payload }) => {
      const message = read(payload);
      if (message.type === 'next') take(message.payload);
    });
    socket.on('framesent', ({ payload }) => {
      const message = read(payload);
      if (message.type === 'ping' && message.payload !== undefined) heard.renewals += 1;
    });
  });
  return heard;
}

/** What the page hears by EventSource from now on. */
export async function hearStreams(tab: Page): Promise<Heard> {
  const { heard, take } = listener();
  const devtools = await tab.context().newCDPSession(tab);
  await devtools.send('Network.enable');
  devtools.on('Network.eventSourceMessageReceived', ({ eventName, data }) => {
    if (eventName === 'next') take(JSON.parse(data));
  });
  return heard;
}
