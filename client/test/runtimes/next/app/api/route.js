import * as client from '@comfygate/client';
import { program } from '../../../program.js';

export async function GET(request) {
  return Response.json(await program(client, { url: request.nextUrl.searchParams.get('url') }));
}
