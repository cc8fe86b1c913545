import { expect, test } from 'vitest';
import { readWorkflowFile } from '../../../../src/workflows/files/read-workflow-file.ts';
import { fileOf, mediumWith, pictureWith, pngWith, tEXt } from '../../../support/media-with-texts.ts';

const graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 0 } },
  '2': { class_type: 'SaveImage', inputs: { filename_prefix: 'größer', images: ['1', 0] }, _meta: { title: 'Save' } },
};
const text = JSON.stringify(graph, null, 1);

async function read(content: unknown, name = 'a.json') {
  const bytes = typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content);
  return readWorkflowFile(await fileOf(name, bytes), []);
}

const utf16 = (written: string) => Buffer.from(written, 'utf16le');

test.for([
  ['UTF-8 with a byte order mark', `\ufeff${text}`],
  ['UTF-16, little end first, with a mark', utf16(`\ufeff${text}`)],
  ['UTF-16, little end first, without a mark', utf16(text)],
  ['UTF-16, big end first, with a mark', utf16(`\ufeff${text}`).swap16()],
  ['UTF-16, big end first, without a mark', utf16(text).swap16()],
  ['lines of Windows and spaces around', `\r\n\t ${text.replaceAll('\n', '\r\n')}\r\n\r\n`],
] as const)('%s is read as it is meant', async ([, bytes]) => {
  expect(await read(bytes)).toEqual({ ok: true, graph, notes: [], app: null });
});

test('NaN and Infinity, as Python writes them, become null, and a note says so', async () => {
  const written = text
    .replace('"class_type": "EmptyImage"', '"class_type": "EmptyImage", "is_changed": [NaN, -Infinity]')
    .replace('"color": 0', '"color": Infinity, "text": "NaN, \\" -Infinity \\\\"');
  expect(await read(written)).toEqual({
    ok: true,
    graph: {
      ...graph,
      '1': { ...graph['1'], inputs: { ...graph['1'].inputs, color: null, text: 'NaN, " -Infinity \\' } },
    },
    notes: ['NaN or Infinity, which JSON does not have, became null in 3 places'],
    app: null,
  });
  expect(await read(`{"a": NaN, ${'x'.repeat(9)}`)).toMatchObject({
    ok: false,
    faults: [expect.stringMatching(/^it is not JSON: /)],
  });
});

test('placeholders of a template that stand without quotes are texts, and a note names them', async () => {
  const written = text
    .replace('"width": 64', '"width": %width%')
    .replace('"height": 64', '"height": {{ height }}')
    .replace('"color": 0', '"color": \u0024{color}, "text": "%kept% {{as}} \u0024{it} is"');
  const inputs = { width: '%width%', height: '{{ height }}', batch_size: 1, color: '\u0024{color}' };
  expect(await read(written)).toEqual({
    ok: true,
    graph: { ...graph, '1': { ...graph['1'], inputs: { ...inputs, text: '%kept% {{as}} \u0024{it} is' } } },
    notes: ['placeholders without quotes became texts: %width%, {{ height }}, \u0024{color}'],
    app: null,
  });
});

test('whole numbers keep all of their digits', async () => {
  const written = text.replace('"color": 0', '"color": 18446744073709551615');
  expect(await read(written)).toMatchObject({ graph: { '1': { inputs: { color: '18446744073709551615' } } } });
});

test.for([
  ['nothing', '', 'it is empty'],
  ['spaces', ' \n', 'it is empty'],
  ['a web page', '<!DOCTYPE html><html></html>', 'web page'],
  ['half a file', text.slice(0, 90), 'it is not JSON'],
  ['Latin-1', Buffer.from(text, 'latin1'), 'neither UTF-8 nor UTF-16'],
  ['another format', 'nodes:\n  - id: 1', 'it is not JSON'],
] as const)('%s is refused with what to do', async ([, bytes, fault]) => {
  expect(await read(bytes)).toEqual({ ok: false, faults: [expect.stringContaining(fault)] });
});

/** What people save of ComfyUI and of services around it, where the graph is in it, and what is beside it. */
const envelopes: [of: string, content: unknown, notes: string[]][] = [
  ['the body of /prompt', { client_id: 'c', prompt: graph }, ['the graph is prompt; left out: "client_id"']],
  ['a worker of RunPod', { input: { workflow: graph } }, ['the graph is input.workflow']],
  [
    'the same with pictures',
    { input: { images: [], workflow: graph } },
    ['the graph is input.workflow; left out: "images"'],
  ],
  ['a text in an input, as at Replicate', { input: { workflow_json: text } }, ['the graph is input.workflow_json']],
  ['a field of its own name', { workflow: graph }, ['the graph is workflow']],
  [
    'both formats beside each other',
    { workflow: { nodes: [] }, workflow_api: graph },
    ['the graph is workflow_api; left out: "workflow"'],
  ],
  [
    "an entry of ComfyUI's history",
    { 'b7-4': { prompt: [3, 'b7-4', graph, {}, ['2']], outputs: {}, status: {} } },
    ['the graph is b7-4.prompt[2]; left out: "outputs", "status"'],
  ],
  [
    "an answer of ComfyUI's jobs",
    { id: 'b', workflow: { prompt: graph, extra_data: { extra_pnginfo: {} } } },
    ['the graph is workflow.prompt; left out: "id", "extra_data"'],
  ],
  [
    'what a site keeps of a picture',
    { meta: { comfy: JSON.stringify({ prompt: graph, workflow: { nodes: [] } }) } },
    ['the graph is meta.comfy.prompt; left out: "workflow"'],
  ],
  ['a text of a text', JSON.stringify(text), []],
  ['a list of one', [graph], ['the graph is [0]']],
  [
    'comments beside the nodes',
    { _comment: 'mine', _meta: { title: 'x' }, version: 2, ...graph },
    ['left out, being no node: "_comment", "_meta", "version"'],
  ],
];

test.for(envelopes)('the graph is found in %s', async ([, content, notes]) => {
  expect(await read(content)).toEqual({ ok: true, graph, notes, app: null });
});

test('of several workflows the least deep one is taken, and where none is, they are told', async () => {
  const other = { '1': graph['1'] };
  expect(await read({ versions: [{ prompt: other }], prompt: graph })).toMatchObject({ ok: true, graph });
  expect(await read({ a: { prompt: [1, 'a', graph] }, b: { prompt: [2, 'b', other] } })).toEqual({
    ok: false,
    faults: ['it holds 2 workflows (a.prompt[2], b.prompt[2]): make a file of each'],
  });
  // The same one twice is one.
  expect(await read({ a: graph, b: graph })).toMatchObject({ ok: true });
});

test('what holds no workflow is refused, and a graph with faults by these', async () => {
  const none = { ok: false, faults: [expect.stringContaining('no workflow is in it')] };
  for (const content of [{}, [], 'null', '5', { a: { b: 1 } }, { prompt: 'a lighthouse' }]) {
    expect(await read(content)).toEqual(none);
  }
  const without = { ...graph, '3': { inputs: {} } };
  expect(await read(without)).toMatchObject({
    faults: [expect.stringMatching(/^3\.class_type: expected the name of a node class/)],
  });
  expect(await read({ '3': { inputs: {} } })).toMatchObject({ faults: [expect.stringMatching(/^3\.class_type: /)] });
  expect(await read({ '3': { class_type: 'A', inputs: { b: ['4', 0] } }, '4': 'note' })).toMatchObject({
    faults: ['3.inputs.b.0: expected a link to a node of this graph, got "4"'],
  });
});

test('deep and wide values are searched within bounds', async () => {
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  expect(await read(deep)).toMatchObject({ ok: false });
  const wide = { a: Array.from({ length: 200_000 }, () => ({})), workflow: graph };
  expect(await read(wide)).toMatchObject({ ok: true });
  expect(await read(`${text}${' '.repeat(17 * 1024 * 1024)}`)).toMatchObject({
    faults: [expect.stringMatching(/^it has \d+ bytes; a workflow has at most 16777216$/)],
  });
});

test('of a picture, a film or a sound the texts are taken, and a file without them says where was looked', async () => {
  const prompt = JSON.stringify(graph).replaceAll('ö', '\\u00f6').replaceAll('ß', '\\u00df');
  const workflow = JSON.stringify({ nodes: [], links: [] });
  const png = await pngWith(tEXt('prompt', prompt.replace('"color":0', '"color":NaN')));
  expect(await read(png, 'a.png')).toEqual({
    ok: true,
    graph: { ...graph, '1': { ...graph['1'], inputs: { ...graph['1'].inputs, color: null } } },
    notes: [
      'the graph is prompt in its chunks tEXt, zTXt, iTXt and comf',
      'NaN or Infinity, which JSON does not have, became null in 1 place',
    ],
    app: null,
  });
  expect(await read(await pictureWith('webp', { prompt }), 'a.webp')).toMatchObject({ ok: true, graph });
  const comment = JSON.stringify({ prompt, workflow });
  const film = await read(await mediumWith('webm', { comment }), 'a.webm');
  expect(film).toMatchObject({
    ok: true,
    graph,
    notes: [
      expect.stringMatching(/^the graph is comment\.prompt in its tags; left out: /),
      expect.stringMatching(/^not used: comment\.workflow in its tags: It has no node that runs/),
    ],
  });

  expect(await read(await pngWith(), 'a.png')).toEqual({
    ok: false,
    faults: [
      'it is image/png without a workflow: looked for the texts workflow and prompt in its chunks tEXt, zTXt, iTXt ' +
        'and comf',
    ],
  });
  const text = Buffer.from('%PDF-1.7\n%%EOF');
  expect(await read(text, 'a.pdf')).toMatchObject({
    faults: [expect.stringMatching(/^it is application\/pdf; a workflow is read from JSON/)],
  });
});
