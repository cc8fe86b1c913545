/*
 * The plainest subscription server: graphql-ws over RedisPubSub, as both libraries' front pages show it. Each published event
 * is the whole of what is shown, so it reads nothing.
 *
 * What it leaves out: no snapshot and no replay, so whoever comes late sees nothing; events between SUBSCRIBE and its answer or
 * while Redis is away are lost, and with them the end; a slow client's events heap up without bound; dead sockets stay.
 */
import { createServer } from 'node:http';

import { RedisPubSub } from 'graphql-redis-subscriptions';
import { useServer } from 'graphql-ws/use/ws';
import { createSchema } from 'graphql-yoga';
import { Redis } from 'ioredis';
import { WebSocketServer } from 'ws';
import { listening } from './listening.ts';

const typeDefs = /* GraphQL */ `
  type ProgressNode { id: String! classType: String! title: String step: Int totalSteps: Int }
  type Progress { fraction: Float! nodesDone: Int! nodesTotal: Int! node: ProgressNode }
  type Job { id: ID! status: String! progress: Progress! }
  type JobEvent { seq: Int! type: String! at: String! job: Job! }
  type Query { ok: Boolean }
  type Subscription { jobProgress(id: ID!): JobEvent! }
`;

const redisUrl = process.env.REDIS_URL ?? '';
const pubsub = new RedisPubSub({ publisher: new Redis(redisUrl), subscriber: new Redis(redisUrl) });
const resolvers = {
  Subscription: {
    jobProgress: {
      subscribe: (_root: unknown, { id }: { id: string }) => pubsub.asyncIterator(`plain:job:${id}`),
      resolve: (event: unknown) => event,
    },
  },
};

const server = createServer();
useServer(
  { schema: createSchema({ typeDefs, resolvers }) },
  new WebSocketServer({ server, path: '/graphql', perMessageDeflate: false }),
);
listening(server);
