import fc from 'fast-check';
import { isObject } from '../../src/core/objects.ts';

const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(-1, 0, 1e308, 2 ** 53, '', '../..', '\u0000', '\ud800', [], {}, null, true, 'constructor'),
);
/** What is done at one place of a JSON value: which one is told by numbers, since values differ. */
const change = fc.record({
  steps: fc.array(fc.nat(), { minLength: 1, maxLength: 6 }),
  kind: fc.constantFrom('replace', 'remove', 'add'),
  key: fc.constantFrom('constructor', 'toString', 'type', 'inputs', 'x', '0', ''),
  value: anything,
});

function changed(value: unknown, [step = 0, ...rest]: number[], how: { kind: string; key: string; value: unknown }) {
  if (!Array.isArray(value) && !isObject(value)) return how.value;
  const entries: [string, unknown][] = Object.entries(value);
  if (how.kind === 'add' && rest.length === 0) entries.push([how.key, how.value]);
  else if (entries.length > 0) {
    const at = step % entries.length;
    const [key, inner] = entries[at] ?? ['', null];
    if (rest.length > 0) entries[at] = [key, changed(inner, rest, how)];
    else if (how.kind === 'remove') entries.splice(at, 1);
    else entries[at] = [key, how.value];
  }
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}

/** The value with up to four changes at places of it: near enough to what is expected to be read far. */
export const mutatedJson = (value: unknown): fc.Arbitrary<unknown> =>
  fc
    .array(change, { minLength: 1, maxLength: 4 })
    .map((changes) => changes.reduce<unknown>((result, { steps, ...how }) => changed(result, steps, how), value));

/** A seed for a property, printed: FUZZ_SEED repeats it. */
export function fuzzSeed(what: string): number {
  const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.info(`${what}: seed ${seed}; to repeat it: FUZZ_SEED=${seed}`);
  return seed;
}
