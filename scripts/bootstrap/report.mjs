/** What a set-up step could not do, in words for the person at the terminal. */
export class SetupError extends Error {
  name = 'SetupError';
}

/** One line for each thing that was done; on stderr, since stdout belongs to what is started afterwards. */
export function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}
