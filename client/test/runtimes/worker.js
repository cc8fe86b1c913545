// A worker as Cloudflare's: the address of the gateway is in the query.
import * as client from '@comfygate/client';
import { program } from './program.js';

export default {
  async fetch(request) {
    return Response.json(await program(client, { url: new URL(request.url).searchParams.get('url') }));
  },
};
