/*
 * The simplest subscription server: graphql-ws over RedisPubSub, as the documentation of both libraries shows it. Each
 * published event holds everything that is sent, so the server reads nothing.
 *
 * What it leaves out: it has no snapshot and no replay, so late watchers see nothing. Events between SUBSCRIBE and its
 * answer, or while Redis is down, are lost, the last event of a job included. Events of a slow client pile up without
 * bound, and dead sockets are never closed.
 */
import { createServer } from 'node:http';

import { RedisPubSub } from 'graphql-redis-subscriptions';
import { useServer } from 'graphql-ws/use/ws';
import { createSchema } from 'graphql-yoga';
import { Redis } from 'ioredis';
import { WebSocketServer } from 'ws';
import { listening } from './listening.ts';

const typeDefs = /* GraphQL */ `
  type ProgressNode { nodeId: String! classType: String! title: String step: Int totalSteps: Int }
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
