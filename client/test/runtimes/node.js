// Node, Deno and Bun: node.js URL. Node 20 has no WebSocket of its own.
import * as client from '@comfygate/client';
import { program } from './program.js';

const WebSocket = globalThis.WebSocket ?? (await import('ws')).WebSocket;
console.log(JSON.stringify(await program(client, { url: process.argv[2], WebSocket })));
