// Preloaded into a process of the product (NODE_OPTIONS=--import …). It moves the process into the control group whose
// list of processes is the file MEMORY_GROUP, before the product has taken any memory.
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env.MEMORY_GROUP;
if (file && isMainThread) writeFileSync(file, String(process.pid));
