import { readdir, readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../../src/core/canonical-json.ts';
import { graphSchema } from '../../../src/core/graph.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { planOf } from '../../../src/core/plan.ts';
import { createCustomParser } from '../../../src/workflows/custom.ts';
import { loadCatalogue } from '../../../src/workflows/load.ts';

const root = new URL('../../../', import.meta.url);
const catalogue = await loadCatalogue({ dir: new URL('workflows', root).pathname, maxMegapixels: 4 });
const parse = createCustomParser({ catalogue });

/** The issues as `path code: message`. */
function issuesOf(input: { [name: string]: unknown }): string[] {
  const parsed = parse(input, ['input', 'workflow', 'custom'], new Map());
  if (parsed.ok) return [];
  return parsed.issues.map(({ path, code, message }) => {
    expect(path.slice(0, 3)).toEqual(['input', 'workflow', 'custom']);
    expect(message.length).toBeLessThan(400);
    return `${path.slice(3).join('.')} ${code}: ${message}`;
  });
}

const node = (inputs: object = {}) => ({ class_type: 'A', inputs });
const withInput = (value: unknown) => ({ graph: { '1': node({ x: value }) } });
const json = (text: string): { [name: string]: unknown } => JSON.parse(text);

/** `value` within `levels` lists. */
const nested = (levels: number, value: unknown): unknown => (levels === 0 ? value : [nested(levels - 1, value)]);

test('a graph comes out as it went in, with its name and the number of its nodes', () => {
  const graph = {
    '1': {
      class_type: 'A',
      inputs: { f: 0.1, i: -3, big: 2 ** 53 - 1, s: 'ü🎨\n', b: false, n: null },
      _meta: { title: 'T' },
    },
    'sub:2.a-b_C': {
      class_type: 'B',
      inputs: { from: ['1', 0], list: { __value__: ['1', 0] }, deep: [{ constructor: [] }] },
    },
  };
  const parsed = parse({ graph, name: 'my_graph-1' }, []);
  expect(parsed).toMatchObject({ ok: true, parameters: { graph, name: 'my_graph-1' }, nodesTotal: 2 });
  expect(parse({ graph, name: null }, [])).toMatchObject({ ok: true, parameters: { graph }, nodesTotal: 2 });
});

test('only class, inputs and title of a node go on: nothing that steers the caches of ComfyUI', () => {
  const graph = { '1': { ...node(), is_changed: ['x'], _meta: { title: 'T', other: 1 }, constructor: 1 } };
  expect(parse({ graph }, [])).toMatchObject({
    ok: true,
    parameters: { graph: { '1': { ...node(), _meta: { title: 'T' } } } },
  });
  const parsed = parse({ graph }, []);
  expect(canonicalJson(parsed.ok ? parsed.parameters : null)).toBe(
    '{"graph":{"1":{"_meta":{"title":"T"},"class_type":"A","inputs":{}}}}',
  );
});

test('what it was given is not shared with the job', () => {
  const input = withInput([1, 2, 3]);
  const parsed = parse(input, []);
  expect(parsed.ok && parsed.parameters.graph).toEqual(input.graph);
  expect(parsed.ok && parsed.parameters.graph).not.toBe(input.graph);
});

test('every graph that ComfyUI itself was recorded to run is taken', async () => {
  const recorded = new URL('test/comfyui/recorded/', root);
  const files = (await readdir(recorded, { recursive: true })).filter((name) => /(^|\/)\d\d_[a-z_]+\.json$/.test(name));
  let graphs = 0;
  for (const file of files) {
    const graph = graphSchema.safeParse(JSON.parse(await readFile(new URL(file, recorded), 'utf8')));
    if (!graph.success) continue;
    graphs++;
    expect(parse({ graph: graph.data }, []), file).toMatchObject({ ok: true, parameters: { graph: graph.data } });
  }
  expect(graphs).toBeGreaterThan(10);
});

const classType = 'expected the name of a node class, 1 to 200 characters, got';
const nodeId = 'expected a node id of 1 to 64 of A-Z a-z 0-9 _ . : -, got';
const fields = 'graph, name, outputs, keepMetadata, editorWorkflow, files';
const nameRule = 'expected 1 to 64 characters of A-Z a-z 0-9 _ -, got';
const refused: [what: string, input: { [name: string]: unknown }, issues: string[]][] = [
  ['no graph', {}, ['graph required: expected a graph, got nothing']],
  ['a list', { graph: [] }, ['graph invalid_type: expected an object of node id -> node, got a list of 0']],
  ['a text', { graph: '{}' }, ['graph invalid_type: expected an object of node id -> node, got "{}"']],
  ['an empty graph', { graph: {} }, ['graph too_small: expected at least one node, got none']],
  [
    'what the editor saves, of too many nodes',
    { graph: { nodes: Array.from({ length: 1001 }, (_, id) => ({ id, type: 'A' })), links: [] } },
    ['graph too_big: expected at most 1000 nodes, got 1001'],
  ],
  [
    'what the editor saves, of too many values',
    { graph: { nodes: [], extra: Array(100_000).fill(1) } },
    ['graph too_big: expected a graph of at most 100000 values and 1000000 characters'],
  ],
  [
    'what the editor saves, too deep',
    { graph: { nodes: [], extra: nested(21, 1) } },
    [`graph.extra${'.0'.repeat(19)} too_deep: expected at most 20 lists and objects within one another`],
  ],
  [
    'too many nodes',
    { graph: Object.fromEntries(Array.from({ length: 1001 }, (_, id) => [id, node()])) },
    ['graph too_big: expected at most 1000 nodes, got 1001'],
  ],
  [
    'a node that is no object',
    { graph: { '1': null } },
    ['graph.1 invalid_type: expected a node {class_type, inputs}, got nothing'],
  ],
  [
    'a node with nothing',
    { graph: { '1': {} } },
    [`graph.1.class_type required: ${classType} nothing`, 'graph.1.inputs required: expected an object, got nothing'],
  ],
  [
    'a class that is no text, empty, or long',
    {
      graph: {
        a: { ...node(), class_type: 1 },
        b: { ...node(), class_type: '' },
        c: { ...node(), class_type: 'x'.repeat(201) },
      },
    },
    [
      `graph.a.class_type invalid_type: ${classType} 1`,
      `graph.b.class_type too_small: ${classType} none`,
      `graph.c.class_type too_big: ${classType} 201`,
    ],
  ],
  [
    'inputs that are a list',
    { graph: { '1': node([]) } },
    ['graph.1.inputs invalid_type: expected an object, got a list of 0'],
  ],
  [
    'a title that is no text, or long',
    {
      graph: {
        a: { ...node(), _meta: { title: 1 } },
        b: { ...node(), _meta: { title: 'x'.repeat(201) } },
        c: { ...node(), _meta: 1 },
      },
    },
    [
      'graph.a._meta.title invalid_type: expected text of at most 200 characters, got 1',
      'graph.b._meta.title too_big: expected text of at most 200 characters, got text of 201 characters',
      'graph.c._meta invalid_type: expected an object, got 1',
    ],
  ],
  [
    'node ids that are not safe',
    { graph: json('{"a/../b": {}, "": {}, "__proto__": {}, "ü": {}}') },
    [
      `graph.a/../b invalid_string: ${nodeId} "a/../b"`,
      `graph. invalid_string: ${nodeId} ""`,
      `graph.__proto__ invalid_string: ${nodeId} "__proto__"`,
      `graph.ü invalid_string: ${nodeId} "ü"`,
    ],
  ],
  [
    'a node id without end',
    { graph: { ['x'.repeat(1_000_000)]: node() } },
    [`graph.${'x'.repeat(64)} invalid_string: ${nodeId} "${'x'.repeat(40)}…"`],
  ],
  [
    'a link to nowhere',
    withInput(['2', 0]),
    ['graph.1.inputs.x.0 unknown_node: expected a link to a node of this graph, got "2"'],
  ],
  [
    'a link to what every object has',
    withInput(['constructor', 0]),
    ['graph.1.inputs.x.0 unknown_node: expected a link to a node of this graph, got "constructor"'],
  ],
  [
    'a number without end',
    withInput(json('{"y": 1e999}')),
    ['graph.1.inputs.x.y invalid_type: expected a finite number, got Infinity'],
  ],
  ['a bigint', withInput(1n), ['graph.1.inputs.x invalid_type: expected a JSON value, got a bigint']],
  [
    'nothing in a list',
    withInput([undefined]),
    ['graph.1.inputs.x.0 invalid_type: expected a JSON value, got nothing'],
  ],
  ['NUL', withInput('a\0'), ['graph.1.inputs.x invalid_string: expected text without NUL, got one at character 1']],
  [
    'half a character in a class',
    { graph: { '1': { class_type: '\ud800', inputs: {} } } },
    ['graph.1.class_type invalid_string: expected Unicode text, got half of a surrogate pair'],
  ],
  [
    'A25 __proto__ as an input, and below one',
    { graph: json('{"1": {"class_type": "A", "inputs": {"__proto__": 1, "x": {"y": {"__proto__": {"z": 1}}}}}}') },
    [
      'graph.1.inputs.__proto__ invalid_string: expected a name other than __proto__',
      'graph.1.inputs.x.y.__proto__ invalid_string: expected a name other than __proto__',
    ],
  ],
  [
    'the name of an input without end',
    { graph: { '1': node({ ['x'.repeat(300)]: 1 }) } },
    [`graph.1.inputs.${'x'.repeat(64)} too_big: expected a name of at most 200 characters, got 300`],
  ],
  [
    'lists within lists',
    withInput(nested(21, 1)),
    [`graph.1.inputs.x${'.0'.repeat(20)} too_deep: expected at most 20 lists and objects within one another`],
  ],
  [
    'too much text',
    withInput(['x'.repeat(600_000), 'x'.repeat(600_000)]),
    ['graph too_big: expected a graph of at most 100000 values and 1000000 characters'],
  ],
  [
    'too many values',
    withInput(Array.from({ length: 200_000 }, () => 0)),
    ['graph too_big: expected a graph of at most 100000 values and 1000000 characters'],
  ],
  ['a name with a space', { graph: { '1': node() }, name: 'a b' }, [`name invalid_string: ${nameRule} "a b"`]],
  ['an empty name', { graph: { '1': node() }, name: '' }, [`name invalid_string: ${nameRule} ""`]],
  [
    'a name that is too long',
    { graph: { '1': node() }, name: 'x'.repeat(65) },
    [`name invalid_string: ${nameRule} text of 65 characters`],
  ],
  ['a name that is no text', { graph: { '1': node() }, name: 1 }, [`name invalid_type: ${nameRule} 1`]],
  [
    'a name of the catalogue',
    { graph: { '1': node() }, name: 'textToImage' },
    ['name name_taken: textToImage is a workflow of the catalogue'],
  ],
  [
    'A26 an unknown field',
    { graph: { '1': node() }, prompt: 1 },
    [`prompt unknown_field: "prompt" is not a field; there are ${fields}`],
  ],
  [
    'faults everywhere: all are named',
    { name: '?', graph: { '1': { inputs: { x: ['9', 0] } } }, y: 1 },
    [
      `name invalid_string: ${nameRule} "?"`,
      `graph.1.class_type required: ${classType} nothing`,
      'graph.1.inputs.x.0 unknown_node: expected a link to a node of this graph, got "9"',
      `y unknown_field: "y" is not a field; there are ${fields}`,
    ],
  ],
];

const upload = { upload: '01890a5d-ac96-774b-bcce-b302099a8057' };
const place = { node: '1', input: 'x', file: upload };
const extras: [what: string, extra: { [name: string]: unknown }, issues: string[]][] = [
  ['no list of outputs', { outputs: '1' }, ['outputs invalid_type: expected a list of 1 to 1000 node ids, got "1"']],
  ['no outputs', { outputs: [] }, ['outputs invalid_type: expected a list of 1 to 1000 node ids, got a list of 0']],
  [
    'outputs that are not there, no ids, or twice',
    { outputs: ['1', 'toString', 2, '1'] },
    [
      'outputs.1 unknown_node: expected a node of the graph, got "toString"',
      'outputs.2 invalid_type: expected a node id, got 2',
      'outputs.3 not_unique: "1" is there twice',
    ],
  ],
  ['a flag of another type', { keepMetadata: 1 }, ['keepMetadata invalid_type: expected true or false, got 1']],
  ['no list of files', { files: place }, ['files invalid_type: expected a list of at most 16 files, got an object']],
  [
    'too many files',
    { files: Array.from({ length: 17 }, () => place) },
    ['files too_big: expected a list of at most 16 files, got a list of 17'],
  ],
  [
    'files for nodes and inputs that cannot have them',
    {
      files: [
        { ...place, node: '9' },
        { ...place, input: 'from' },
        { ...place, input: '__proto__' },
        { node: 1, input: '', file: 1, kind: 'PDF', path: '/' },
        'x',
      ],
    },
    [
      'files.0.node unknown_node: expected a node of the graph, got "9"',
      'files.1.input is_link: "from" of node 1 is a link to another node',
      'files.2.input invalid_string: expected the name of an input, 1 to 200 characters, got "__proto__"',
      'files.3.path unknown_field: "path" is not a field; there are node, input, kind, file',
      'files.3.node invalid_type: expected a node id, got 1',
      'files.3.input invalid_string: expected the name of an input, 1 to 200 characters, got ""',
      'files.3.kind not_a_choice: expected IMAGE, MASK, AUDIO or VIDEO, got "PDF"',
      'files.3.file invalid_type: expected {upload}, {url} or {artifact}, got 1',
      'files.4 invalid_type: expected {node, input, kind, file}, got "x"',
    ],
  ],
  [
    'two files for one input',
    { files: [place, { ...place, file: { url: 'https://a.de/x' } }] },
    ['files.1.input not_unique: "x" of node 1 gets a file already'],
  ],
];

test.for(extras)('%s: refused', ([, extra, issues]) => {
  expect(issuesOf({ graph: { '1': node({ from: ['2', 0] }), '2': node() }, ...extra })).toEqual(issues);
});

test('what is said beside a graph becomes what a plan is made of, and stays absent where nothing is said', () => {
  const graph = { '1': node({ image: 'a.png' }), '2': node() };
  const files = [
    { node: '1', input: 'image', kind: 'MASK', file: upload },
    { node: '2', input: 'audio', kind: null, file: { url: 'https://example.org/x.flac', upload: null } },
  ];
  const editorWorkflow = { nodes: [{ id: 1, widgets_values: [1] }] };
  const parsed = parse({ graph, outputs: ['2'], keepMetadata: true, editorWorkflow, files }, []);
  expect(parsed.ok && parsed.parameters).toEqual({
    graph,
    outputs: ['2'],
    keepMetadata: true,
    editorWorkflow,
    files: [
      { node: '1', input: 'image', kind: 'mask', file: upload },
      { node: '2', input: 'audio', file: { url: 'https://example.org/x.flac' } },
    ],
  });
  if (!parsed.ok) throw new Error('refused');
  expect(planOf(null, parsed.parameters)).toEqual({
    graph,
    outputs: new Map([['2', null]]),
    keepMetadata: true,
    editorWorkflow,
    files: [
      { source: upload, kind: 'mask', targets: [{ node: '1', input: 'image' }], index: null, at: ['files', 0, 'file'] },
      {
        source: { url: 'https://example.org/x.flac' },
        kind: null,
        targets: [{ node: '2', input: 'audio' }],
        index: null,
        at: ['files', 1, 'file'],
      },
    ],
  });
  const plain = parse({ graph, outputs: null, keepMetadata: false, files: [] }, []);
  expect(plain.ok && plain.parameters).toEqual({ graph });
  // What a job has stands the same test again.
  expect(parse(parsed.parameters, [])).toEqual(parsed);
});

test.for(refused)('%s: refused', ([, input, issues]) => {
  expect(issuesOf(input)).toEqual(issues);
  expect(({} as { z?: number }).z).toBeUndefined();
});

test('the deepest that is allowed is taken', () => {
  expect(issuesOf(withInput(nested(20, 1)))).toEqual([]);
});

test('200,000 levels are refused, not recursed into', () => {
  let deep: unknown = 1;
  for (let level = 0; level < 200_000; level++) deep = [deep];
  expect(issuesOf(withInput(deep))).toHaveLength(1);
});

test('no more than 50 faults are named', () => {
  expect(issuesOf({ graph: Object.fromEntries(Array.from({ length: 900 }, (_, id) => [id, {}])) })).toHaveLength(50);
});

test('whatever comes as a graph is refused or is a graph that can be sent', () => {
  const value = fc.oneof(fc.anything(), fc.jsonValue());
  const graph = fc.dictionary(
    fc.string(),
    fc.oneof(value, fc.record({ class_type: fc.string(), inputs: fc.dictionary(fc.string(), value) })),
  );
  fc.assert(
    fc.property(fc.oneof(value, graph), (given) => {
      const parsed = parse({ graph: given }, []);
      if (!parsed.ok) return parsed.issues.length > 0;
      const sent: unknown = JSON.parse(canonicalJson(parsed.parameters.graph ?? null));
      return graphSchema.safeParse(sent).success;
    }),
    { numRuns: 500 },
  );
});

const editor = "editorWorkflow invalid_type: expected what ComfyUI's editor saves, an object with a list of `nodes`";
test('a file of the editor whose texts would grow without end, or be searched anew at each place, is no burden', () => {
  const node = (id: number, type: string, text: string) => ({ id, type, title: `t${id}`, widgets_values: [text] });
  const text = ['STRING', { dynamicPrompts: true }];
  const classes = objectInfoSchema.parse({
    SaveImage: { input: { required: { filename_prefix: text } } },
    CLIPTextEncode: { input: { required: { text } } },
  });
  const taken = (...nodes: object[]) => parse({ graph: { nodes, links: [] } }, [], classes);
  const growing = [node(1, 'SaveImage', '%t2.text%'.repeat(20_000)), node(2, 'CLIPTextEncode', 'y'.repeat(300_000))];
  expect(taken(...growing)).toMatchObject({ ok: true, nodesTotal: 2 });
  const named = taken(node(1, 'SaveImage', '%t2.text%'), node(2, 'CLIPTextEncode', 'a/b'));
  expect(named).toMatchObject({ parameters: { graph: { '1': { inputs: { filename_prefix: 'a_b' } } } } });
  // Of comments that are not closed.
  expect(taken(node(1, 'CLIPTextEncode', '/* '.repeat(300_000)))).toMatchObject({ ok: true });
});

const editors: [what: string, editorWorkflow: unknown, issue: string][] = [
  ['a text', '{}', `${editor}, got "{}"`],
  ['a list', [{ nodes: [] }], `${editor}, got a list of 1`],
  ['a graph in API format', { '1': node() }, `${editor}, got one without`],
  ['nodes that are no list', { nodes: {} }, `${editor}, got one without`],
  [
    'too deep',
    { nodes: [JSON.parse(`${'['.repeat(20)}${']'.repeat(20)}`)] },
    `editorWorkflow.nodes.${'0.'.repeat(18)}0 too_deep: expected at most 20 lists and objects within one another`,
  ],
  [
    'too large',
    { nodes: Array.from({ length: 100_001 }, () => 0) },
    'editorWorkflow too_big: expected a graph of at most 100000 values and 1000000 characters',
  ],
  [
    'a number that none is',
    json('{"nodes": [1e400]}'),
    'editorWorkflow.nodes.0 invalid_type: expected a finite number, got Infinity',
  ],
];

test.for(editors)("an editor's workflow that is %s is refused", ([, editorWorkflow, issue]) => {
  expect(issuesOf({ graph: { '1': node() }, editorWorkflow })).toEqual([issue]);
});

test("the editor's workflow is part of what makes two inputs the same, and absent where there is none", () => {
  const identityOf = (editorWorkflow: unknown) => {
    const parsed = parse({ graph: { '1': node() }, editorWorkflow }, []);
    return parsed.ok && parsed.identity;
  };
  expect(identityOf(null)).toEqual(identityOf(undefined));
  expect(identityOf(null)).not.toHaveProperty('editorWorkflow');
  expect(identityOf({ nodes: [1] })).toEqual(identityOf({ nodes: [1] }));
  expect(identityOf({ nodes: [1] })).not.toEqual(identityOf({ nodes: [2] }));
});
