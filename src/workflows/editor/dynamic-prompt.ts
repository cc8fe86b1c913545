/**
 * A text as the editor sends it from a widget with dynamic prompts: without comments (also `//example.org` of an
 * address, as there), with the first choice of `{one|another}`, where the editor takes one at random, and with `\{`,
 * `\|` and `\}` as the characters themselves. `changes`: what a person may not expect.
 */
export function resolveDynamicPrompt(text: string): { text: string; changes: ('comment' | 'choice')[] } {
  const bare = withoutComments(text);
  const changes: ('comment' | 'choice')[] = bare === text ? [] : ['comment'];
  const parts: string[] = [];
  /** For each open brace, whether the choices after its first are being passed over. */
  const open: boolean[] = [];
  let passedOver = 0;
  for (let at = 0; at < bare.length; at++) {
    const char = bare.charAt(at);
    const next = bare.charAt(at + 1);
    if (char === '\\' && (next === '{' || next === '}' || next === '|')) {
      if (passedOver === 0) parts.push(next);
      at += 1;
    } else if (char === '{') open.push(false);
    else if (char === '}' && open.length > 0) passedOver -= open.pop() ? 1 : 0;
    else if (char === '|' && open.length > 0) {
      if (!open.at(-1)) passedOver += 1;
      open[open.length - 1] = true;
      if (!changes.includes('choice')) changes.push('choice');
    } else if (passedOver === 0) parts.push(char);
  }
  return { text: parts.join(''), changes };
}

/** A comment that is not closed is none. Each character is looked at once, whatever the text. */
function withoutComments(text: string): string {
  const lastClose = text.lastIndexOf('*/');
  const begin = /\/\*|\/\/[^\n\r]*/g;
  const parts: string[] = [];
  let copied = 0;
  for (let found = begin.exec(text); found; found = begin.exec(text)) {
    if (found[0] === '/*') {
      if (found.index + 2 > lastClose) continue;
      begin.lastIndex = text.indexOf('*/', found.index + 2) + 2;
    }
    parts.push(text.slice(copied, found.index));
    copied = begin.lastIndex;
  }
  return parts.join('') + text.slice(copied);
}
