/** A set-up step failed; the message is written for the person at the terminal. */
export class SetupError extends Error {
  name = 'SetupError';
}

/**
 * Prints one line for a set-up step. It goes to stderr, since stdout belongs to the program that is started afterwards.
 */
export function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}
