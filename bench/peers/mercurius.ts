// The simplest `generate` on Mercurius with its just-in-time compiler.
import { fastify } from 'fastify';
import { mercurius } from 'mercurius';
import { createPlainResolvers, typeDefs } from './plain-generate.ts';

const app = fastify({ logger: false });
app.register(mercurius, { schema: typeDefs, resolvers: createPlainResolvers(process.env.REDIS_URL ?? ''), jit: 1 });
const url = await app.listen({ port: 0, host: '127.0.0.1' });
process.stdout.write(`ready ${url}/graphql\n`);
process.once('disconnect', () => process.exit(0));
