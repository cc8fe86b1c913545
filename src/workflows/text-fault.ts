/** What is wrong with a text wherever it stands: ends a C string early, or has no UTF-8. */
export function textFault(text: string): string | null {
  if (text.includes('\0')) return `expected text without NUL, got one at character ${text.indexOf('\0')}`;
  return text.isWellFormed() ? null : 'expected Unicode text, got half of a surrogate pair';
}
