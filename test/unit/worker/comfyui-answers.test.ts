import { describe, expect, test } from 'vitest';
import type { Graph, GraphNode } from '../../../src/core/graph.ts';
import type { Json } from '../../../src/core/job.ts';
import { parseForm } from '../../../worker/comfyui/answers.ts';
import { historyEntrySchema } from '../../../worker/comfyui/history.ts';
import { parseBoundedJson, parsePythonJson } from '../../../worker/comfyui/json.ts';
import { isTerminalMessage, parsePromptMessage } from '../../../worker/comfyui/messages.ts';
import { readOutcome } from '../../../worker/comfyui/outcome.ts';
import { isolateOutputs, promptIdOf, withoutOwnPrefix } from '../../../worker/comfyui/prompt.ts';
import { refusalSchema } from '../../../worker/comfyui/rejection.ts';
import { checksListsInOptions, isSupported } from '../../../worker/comfyui/version.ts';

const graph: Graph = {
  '2': { class_type: 'SaveImage', inputs: { images: ['10', 0], filename_prefix: 'mine' } },
  '10': { class_type: 'EmptyImage', inputs: { width: 8 } },
  b: { class_type: 'SaveText', inputs: { filename_prefix: ['10', 0] } },
};

const entryOf = (entry: object) => historyEntrySchema.parse(entry);

describe('JSON as Python writes it', () => {
  test('a bare NaN or Infinity is null, and text that says so stays', () => {
    expect(parsePythonJson('{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN \\" Infinity"}')).toEqual({
      a: null,
      b: [null, null],
      c: 'NaN " Infinity',
    });
  });

  test('an integer beyond 2^53 is its digits, as in what a node shows', () => {
    const text = '{"id":{"outputs":{"2":{"text":[18446744073709551615,-9007199254740993,0.1234567890123,NaN]}}}}';
    expect(parseForm('history', Buffer.from(text))).toMatchObject({
      id: { outputs: { '2': { text: ['18446744073709551615', '-9007199254740993', 0.1234567890123, null] } } },
    });
    expect(parseBoundedJson(Buffer.from('[18446744073709551615]'))).toEqual(['18446744073709551615']);
  });

  test('other broken JSON is refused', () => {
    expect(() => parsePythonJson('{"a": NaNa')).toThrow(SyntaxError);
    expect(() => parsePythonJson('{"a":')).toThrow(SyntaxError);
  });
});

describe('messages', () => {
  const parse = (message: object) => parsePromptMessage(JSON.stringify(message), (id) => id === 'mine');

  test('those of other prompts, broadcasts and unknown types are dropped', () => {
    expect(parse({ type: 'execution_success', data: { prompt_id: 'other' } })).toBeNull();
    expect(parse({ type: 'status', data: { status: {} } })).toBeNull();
    expect(parse({ type: 'executing', data: { node: '3' } })).toBeNull();
    expect(parse({ type: 'crystools.monitor', data: { prompt_id: 'mine' } })).toBeNull();
    expect(parse({ type: 'executing', data: { prompt_id: 'mine', node: { odd: true } } })).toBeNull();
    expect(parsePromptMessage('not json', () => true)).toBeNull();
  });

  test('a value that is no number counts as nothing done', () => {
    const text = '{"type":"progress","data":{"prompt_id":"mine","node":"3","value":NaN,"max":4}}';
    expect(parsePromptMessage(text, () => true)?.data).toMatchObject({ value: 0, max: 4 });
  });

  test('the end is told by success, error, interrupt or executing null, and not by a blocked input', () => {
    const ends = (type: string, data: object = {}) => {
      const message = parse({ type, data: { prompt_id: 'mine', ...data } });
      return message !== null && isTerminalMessage(message);
    };
    expect(ends('execution_success')).toBe(true);
    expect(ends('execution_interrupted')).toBe(true);
    expect(ends('execution_error', { exception_type: 'RuntimeError' })).toBe(true);
    expect(ends('executing', { node: null })).toBe(true);
    expect(ends('execution_error', { exception_type: 'ExecutionBlocked' })).toBe(false);
    expect(ends('executing', { node: '3' })).toBe(false);
    expect(ends('execution_start')).toBe(false);
  });
});

describe('outcome', () => {
  const status = (status_str: string, ...messages: [string, object][]) =>
    readOutcome(entryOf({ outputs: {}, status: { status_str, completed: status_str === 'success', messages } }));

  test('an error message decides, even beside a flag that says success', () => {
    const error = { node_id: '3', node_type: 'KSampler', exception_type: 'ValueError', exception_message: 'cycle\n' };
    expect(status('success', ['execution_error', error], ['execution_success', {}])).toEqual({
      outcome: 'failed',
      failure: { nodeId: '3', classType: 'KSampler', exceptionType: 'ValueError', text: 'cycle\n' },
    });
  });

  test('a blocked input is no failure', () => {
    const blocked = { exception_type: 'ExecutionBlocked' };
    expect(status('success', ['execution_error', blocked], ['execution_success', {}])).toEqual({ outcome: 'success' });
  });

  test('an interrupt is one, and an error without a word is a failure', () => {
    const at = { nodeId: '3', classType: 'KSampler' };
    const message = { node_id: '3', node_type: 'KSampler', executed: [] };
    expect(status('error', ['execution_start', {}], ['execution_interrupted', message])).toEqual({
      outcome: 'interrupted',
      at,
    });
    expect(status('error', ['execution_interrupted', {}])).toMatchObject({ at: { nodeId: null, classType: null } });
    expect(status('error')).toMatchObject({ outcome: 'failed', failure: { nodeId: null, exceptionType: 'unknown' } });
    expect(readOutcome(entryOf({}))).toMatchObject({ outcome: 'failed' });
  });
});

describe('prompts', () => {
  test('each submission of each job has its own id, always the same', () => {
    const job = '0197c5a4-7e3f-7c10-9d3b-0f8a5d1c2b3e';
    const ids = [promptIdOf(job, 1), promptIdOf(job, 2), promptIdOf('0197c5a4-7e3f-7c10-9d3b-0f8a5d1c2b3f', 1)];
    expect(new Set(ids).size).toBe(3);
    expect(promptIdOf(job, 1)).toBe(ids[0]);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('every prefix of file names becomes the prompt and node, linked ones too, and the graph given stays', () => {
    const named = { ...graph, '../x': { class_type: 'S', inputs: { filename_prefix: '' } } };
    const isolated = isolateOutputs(named, 'PID', new Set());
    expect(isolated['2']?.inputs.filename_prefix).toBe('comfygate-PID-2');
    expect(isolated.b?.inputs.filename_prefix).toBe('comfygate-PID-b');
    expect(isolated['../x']?.inputs.filename_prefix).toBe('comfygate-PID-___x');
    expect(isolated['10']?.inputs).toEqual({ width: 8 });
    expect(graph['2']?.inputs.filename_prefix).toBe('mine');
  });

  test('an output node without prefix gets a unique one; with unknown classes, so does each final node', () => {
    const previewed = {
      '1': { class_type: 'LoadImage', inputs: { image: 'x.png' } },
      '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
      '3': { class_type: 'PreviewAny', inputs: { source: ['1', 1] } },
    };
    const marked = (outputClasses: ReadonlySet<string> | null) =>
      Object.entries(isolateOutputs(previewed, 'PID', outputClasses)).flatMap(([id, { inputs }]) =>
        Object.values(inputs).includes('PID') ? [id] : [],
      );
    expect(marked(new Set(['PreviewImage', 'SaveImage']))).toEqual(['2']);
    expect(marked(null)).toEqual(['2', '3']);
  });

  test('an output node that passes something on keeps its inputs, unless it is to run afresh', () => {
    const passing = {
      '1': { class_type: 'LoadImage', inputs: { image: 'x.png', channel: ['4', '3'] } },
      '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
      '3': { class_type: 'PreviewImage', inputs: { images: ['2', 0] } },
      '4': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
    };
    const outputClasses = new Set(['PreviewImage']);
    const changed = (afresh?: ReadonlySet<string>) =>
      Object.entries(isolateOutputs(passing, 'PID', outputClasses, afresh)).flatMap(([id, { inputs }]) =>
        Object.values(inputs).includes('PID') ? [id] : [],
      );
    expect(changed()).toEqual(['3', '4']);
    expect(changed(new Set(['2']))).toEqual(['2', '3', '4']);
    expect(Object.keys(passing['2'].inputs)).toEqual(['images']);
  });

  describe('the prefix of files of a node that others take from', () => {
    const saver = (images: Json): GraphNode => ({ class_type: 'S', inputs: { images, filename_prefix: 'mine' } });
    const passing = {
      '1': { class_type: 'LoadImage', inputs: { image: 'x.png' } },
      '2': saver(['1', 0]),
      '3': saver(['2', 0]),
      '4': { class_type: 'Later', inputs: { images: ['3', 0], strength: 1 } },
    };
    const prefix = (graph: Graph, id = '3', promptId = 'PID', afresh?: ReadonlySet<string>) =>
      isolateOutputs(graph, promptId, new Set(), afresh)[id]?.inputs.filename_prefix;

    test('is the same in each prompt, whatever follows it', () => {
      expect(prefix(passing)).toMatch(/^comfygate-[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}-3$/);
      expect(prefix(passing, '3', 'another')).toBe(prefix(passing));
      const later = { ...passing, '4': { class_type: 'Other', inputs: { images: ['3', 0] } } };
      expect(prefix(later)).toBe(prefix(passing));
      const renamed = {
        ...passing,
        '2': { ...passing['2'], inputs: { ...passing['2'].inputs, filename_prefix: 'x' } },
      };
      expect(prefix(renamed)).toBe(prefix(passing));
    });

    test('is another where anything before it is another', () => {
      const seen = [
        passing,
        { ...passing, '1': { class_type: 'LoadImage', inputs: { image: 'y.png' } } },
        { ...passing, '1': { class_type: 'LoadMask', inputs: { image: 'x.png' } } },
        { ...passing, '2': saver(['1', 1]) },
        { ...passing, '3': saver(['1', 0]) },
        { ...passing, '3': saver('literal') },
      ].map((graph) => prefix(graph));
      expect(new Set(seen).size).toBe(seen.length);
    });

    test('is of its prompt where the node is to run afresh', () => {
      expect(prefix(passing, '3', 'PID', new Set(['3']))).toBe('comfygate-PID-3');
    });

    test('takes no longer for a graph as deep or as wide as it may be, or that goes in a circle', () => {
      const deep = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`${i}`, saver([`${i - 1}`, 0])]));
      expect(prefix(deep, '4998')).toMatch(/^comfygate-/);
      const layer = (i: number) =>
        Object.fromEntries(Array.from({ length: 50 }, (_, k) => [`in${k}`, [`${i - 1}`, k]]));
      const wide = Object.fromEntries(
        Array.from({ length: 200 }, (_, i) => [
          `${i}`,
          { class_type: 'S', inputs: { ...layer(i), filename_prefix: '' } },
        ]),
      );
      expect(prefix(wide, '198')).toMatch(/^comfygate-/);
      expect(prefix({ a: saver(['b', 0]), b: saver(['a', 0]) }, 'a')).toMatch(/^comfygate-/);
    });
  });

  test('a name of a file loses what was put before its node, and others stay', () => {
    const promptId = promptIdOf('0197c5a4-7e3f-7c10-9d3b-0f8a5d1c2b3e', 1);
    expect(withoutOwnPrefix(`comfygate-${promptId}-9_00001_.png`)).toBe('9_00001_.png');
    expect(withoutOwnPrefix('comfygate-9_00001_.png')).toBe('comfygate-9_00001_.png');
  });
});

describe('refusals', () => {
  test('the first faulty node is named', () => {
    const refusal = refusalSchema.parse({
      error: { type: 'prompt_outputs_failed_validation', message: 'Prompt outputs failed validation', details: '' },
      node_errors: {
        '3': {
          class_type: 'KSampler',
          errors: [{ type: 'value_not_in_list', message: 'Value not in list', details: "s: 'x' not in ['y']" }],
        },
        '4': { class_type: 'EmptyImage', errors: [{ type: 'other', message: 'm', details: 'd' }] },
      },
    });
    expect(refusal).toEqual({
      type: 'value_not_in_list',
      nodeId: '3',
      classType: 'KSampler',
      text: "s: 'x' not in ['y']",
    });
  });

  test('a missing class is named by extra_info, and an unnamed fault by its message', () => {
    const missing = {
      error: {
        type: 'missing_node_type',
        message: "Node 'A' not found.",
        details: "Node ID '#1'",
        extra_info: { node_id: '1', class_type: 'A' },
      },
      node_errors: {},
    };
    expect(refusalSchema.parse(missing)).toMatchObject({ type: 'missing_node_type', nodeId: '1', classType: 'A' });
    const none = {
      error: { type: 'prompt_no_outputs', message: 'Prompt has no outputs', details: '', extra_info: {} },
      node_errors: {},
    };
    expect(refusalSchema.parse(none)).toEqual({
      type: 'prompt_no_outputs',
      nodeId: null,
      classType: null,
      text: 'Prompt has no outputs',
    });
    expect(refusalSchema.safeParse({ detail: 'a proxy says no' }).success).toBe(false);
  });

  test('B13 of what is said only the first characters are kept', () => {
    const long = 'x'.repeat(1_000_000);
    const error = { type: long, message: long, details: '', extra_info: { node_id: long, class_type: long } };
    const short = { type: 'x'.repeat(255), nodeId: 'x'.repeat(255), classType: 'x'.repeat(255) };
    const text = 'x'.repeat(10_000);
    expect(refusalSchema.parse({ error, node_errors: {} })).toEqual({ ...short, text });
    const node_errors = { [long]: { class_type: long, errors: [{ type: long, message: long, details: '' }] } };
    expect(refusalSchema.parse({ error, node_errors })).toEqual({ ...short, text });
  });
});

test('versions from 0.3.57 on are driven, older and unnamed ones are not', () => {
  const supported = ['0.3.57', '0.3.65', '0.4', '0.33.0', 'v1.0.0', 'nightly'];
  const refused = ['0.3.56', '0.2.99', '0.3', null];
  expect(supported.filter(isSupported)).toEqual(supported);
  expect(refused.filter(isSupported)).toEqual([]);
});

test('lists among the options are checked from 0.8 on', () => {
  expect(['0.8.0', '0.33.0', 'v1.0', 'nightly'].map(checksListsInOptions)).toEqual(Array(4).fill(true));
  expect(['0.7.9', '0.3.57', null].map(checksListsInOptions)).toEqual(Array(3).fill(false));
});

describe('B13 JSON of too much', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

  test('is refused by its levels and values before anything is made of it, and brackets in text are none', () => {
    expect(() => parseBoundedJson(bytes(nested(100)))).not.toThrow();
    expect(() => parseBoundedJson(bytes(nested(101)))).toThrow(RangeError);
    expect(() => parseBoundedJson(bytes(nested(1_000_000)))).toThrow(RangeError);
    expect(() => parseBoundedJson(bytes(`[${'1,'.repeat(2_000_001)}1]`))).toThrow(RangeError);
    const text = `${'['.repeat(200)}\\" ${','.repeat(2_000_001)}`;
    expect(parseBoundedJson(bytes(JSON.stringify({ text })))).toEqual({ text });
    expect(parseBoundedJson(bytes('{"a": NaN}'))).toEqual({ a: null });
  });

  test('in a history entry: more results than a job may have by far', () => {
    const entry = (values: number) => ({ outputs: { '9': { images: Array.from({ length: values }, () => ({})) } } });
    expect(historyEntrySchema.safeParse(entry(10_000)).success).toBe(true);
    expect(historyEntrySchema.safeParse(entry(60_000)).success).toBe(false);
  });
});
