import { enumValueFault } from '../check-names.ts';
import { toChoices } from '../choices.ts';

/**
 * The choices of an enum, without duplicates. A choice gets an explicit GraphQL name where the usual one is taken or
 * invalid.
 */
export function declareChoices(labels: readonly string[]): (string | [string, string])[] {
  const taken = new Set<string>();
  return [...new Set(labels)]
    .filter((label) => label !== '')
    .map((label, index) => {
      const usual = toChoices([label])[0]?.value ?? '';
      if (enumValueFault(usual) === null && usual !== '_' && !taken.has(usual)) {
        taken.add(usual);
        return label;
      }
      const words = usual.replace(/^_+|_+$/g, '').slice(0, 40);
      const base = words === '' || enumValueFault(words) ? 'CHOICE' : words;
      let name = `${base}_${index + 1}`;
      while (taken.has(name)) name += '_';
      taken.add(name);
      return [name, label];
    });
}
