/**
 * Calls once so much time has passed and what has come meanwhile was read. Of a process that stood still, timers that are due
 * come first: an answer that lies there is none that is late. Gives what calls it off.
 */
export function whenLate(ms: number, call: () => void): () => void {
  let reading: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    reading = setImmediate(call);
  }, ms);
  return () => {
    clearTimeout(timer);
    clearImmediate(reading);
  };
}
