const CALLER = /^[A-Za-z0-9_.@-]{1,64}$/;
const PLAN = /^[A-Za-z0-9_-]{1,64}$/;

export const EXPECTED_CALLER = '1 to 64 letters, digits or _ . @ -';
export const EXPECTED_PLAN = '1 to 64 letters, digits, - or _';

export function isCallerId(text: string): boolean {
  return CALLER.test(text);
}

export function isPlanName(value: unknown): value is string {
  return typeof value === 'string' && PLAN.test(value);
}
