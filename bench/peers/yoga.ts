// The simplest Yoga server for `generate`, with the Redis at REDIS_URL.
import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';
import { listening } from './listening.ts';
import { createPlainResolvers, typeDefs } from './plain-generate.ts';

const resolvers = createPlainResolvers(process.env.REDIS_URL ?? '');
const yoga = createYoga({ schema: createSchema({ typeDefs, resolvers }), logging: false });
listening(createServer(yoga));
