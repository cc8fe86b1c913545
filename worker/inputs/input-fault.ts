/** An input file that cannot be used. The message is for its caller, and names nothing that the caller did not. */
export class InputFault extends Error {
  override readonly name = 'InputFault';
  /** Whether the same file may be there, and right, a little later. */
  readonly transient: boolean;

  constructor(message: string, options: { transient?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.transient = options.transient ?? false;
  }
}
