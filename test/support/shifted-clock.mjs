// Preloaded into a process of the product (NODE_OPTIONS=--import …). It shifts the wall clock by the number of hours
// that the file CLOCK_FILE currently holds. Timers and performance.now are not affected, as when a real clock is set.
import { readFileSync } from 'node:fs';

const file = process.env.CLOCK_FILE;
const TrueDate = Date;
let shiftMs = 0;

function read() {
  try {
    shiftMs = Number(readFileSync(file, 'utf8')) * 3_600_000;
  } catch (cause) {
    // The file cannot be read when the process has no file descriptor left: then the last shift is kept.
    if (cause.code !== 'EMFILE') throw cause;
  }
}

globalThis.Date = class extends TrueDate {
  constructor(...given) {
    if (given.length === 0) super(TrueDate.now() + shiftMs);
    else super(...given);
  }
  static now() {
    return TrueDate.now() + shiftMs;
  }
};

if (file) {
  read();
  setInterval(read, 20).unref();
}
