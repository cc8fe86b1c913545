// Preloaded into a process of the product (NODE_OPTIONS=--import …): its wall clock is off by the hours that stand in CLOCK_FILE
// as of now. Time that only grows, timers and performance.now, goes on as it does when a clock is set.
import { readFileSync } from 'node:fs';

const file = process.env.CLOCK_FILE;
const TrueDate = Date;
let shiftMs = 0;

function read() {
  try {
    shiftMs = Number(readFileSync(file, 'utf8')) * 3_600_000;
  } catch (cause) {
    // A process that has no descriptor left keeps the clock that it has.
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
