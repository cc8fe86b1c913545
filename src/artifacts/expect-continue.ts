/** How long a server that never answers 100 is waited for before the body is sent all the same (RFC 9110, 10.1.1). */
export const CONTINUE_TIMEOUT_MS = 1_000;
