import { expect, test } from 'vitest';
import { badInput } from '../../../src/core/errors.ts';
import { storeInputFiles } from '../../../src/mcp/input-files.ts';
import type { McpCall } from '../../../src/mcp/services.ts';
import { shippedCatalogue } from '../../support/graph-services.ts';
import { callerNamed } from '../../support/identities.ts';

const { workflows } = await shippedCatalogue();
const inpaint = workflows.find(({ name }) => name === 'inpaint') ?? expect.fail();
const call = { identity: callerNamed('agent'), requestId: 'r', client: 'c' } as McpCall;
const base64 = (text: string) => Buffer.from(text).toString('base64');

function store(input: { [name: string]: unknown }, workflow = inpaint) {
  const stored: string[] = [];
  const put = async ({ bytes }: { bytes: Uint8Array }) => `id${stored.push(Buffer.from(bytes).toString())}`;
  return storeInputFiles(workflow, input, ['workflow', 'inpaint'], call, { put }).then((made) => ({ made, stored }));
}

test('files that come as data are stored for the caller, and named as uploads; all else stays as it came', async () => {
  const url = { url: 'https://example.org/a.png' };
  const given = { prompt: { data: 'x' }, image: { data: base64('picture') }, mask: url };
  expect(await store(given)).toEqual({ made: { ...given, image: { upload: 'id1' } }, stored: ['picture'] });
  const asAddress = { image: { data: `data:image/png;base64,${base64('a')}` }, mask: { data: `${base64('b')}\n` } };
  expect((await store(asAddress)).stored).toEqual(['a', 'b']);
  const list = { ...inpaint, parameters: inpaint.parameters.map((it) => ({ ...it, list: it.name === 'image' })) };
  const several = await store({ image: [url, { data: base64('c') }] }, list);
  expect(several.made.image).toEqual([url, { upload: 'id1' }]);
});

test.each([
  [{ image: { data: 'no base64 at all!' } }, 'invalid_string'],
  [{ image: { data: '' } }, 'invalid_string'],
  [{ image: { data: 7 } }, 'invalid_type'],
  [{ image: { data: base64('a'), url: 'https://example.org/a.png' } }, 'one_of'],
])('%j is refused at its place, and nothing is stored', async (input, code) => {
  await expect(store(input)).rejects.toMatchObject({
    details: { issues: [{ path: ['workflow', 'inpaint', 'image', 'data'], code }] },
  });
  const list = { ...inpaint, parameters: inpaint.parameters.map((it) => ({ ...it, list: it.name === 'image' })) };
  const many = Array.from({ length: 17 }, () => ({ data: base64('a') }));
  await expect(store({ image: many }, list)).rejects.toMatchObject({ details: { issues: [{ code: 'too_big' }] } });
});

test('a file that no upload may be is told at its place', async () => {
  const refused = badInput([{ path: ['input', 'contentType'], code: 'invalid_string', message: 'expected a picture' }]);
  const stored = storeInputFiles(inpaint, { mask: { data: base64('a') } }, ['at'], call, {
    put: () => Promise.reject(refused),
  });
  await expect(stored).rejects.toMatchObject({
    details: { issues: [{ path: ['at', 'mask', 'data'], message: 'expected a picture' }] },
  });
});
