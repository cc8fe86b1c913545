// CommonJS: require.cjs URL. Node 24 requires the package; Node 20, which cannot, imports it.
const [major] = process.versions.node.split('.');
const load = (name) => (major === '20' ? import(name) : require(name));

async function main() {
  const { program } = await load('./program.js');
  const { WebSocket = require('ws').WebSocket } = globalThis;
  console.log(JSON.stringify(await program(await load('@comfygate/client'), { url: process.argv[2], WebSocket })));
}
main();
