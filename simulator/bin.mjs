#!/usr/bin/env node
const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 2)) await import('./dist/main.js');
else {
  // Imported before, the modules would fail with an error about a name that this Node does not know.
  process.stderr.write(`comfyui-simulator needs Node 22.2 or newer, and this is ${process.versions.node}\n`);
  process.exitCode = 1;
}
