import { describe, expect, test } from 'vitest';
import { StorageError } from '../../../src/artifacts/artifact-store.ts';
import { SpoolError } from '../../../src/files/spool.ts';
import {
  executionError,
  noOutputError,
  rejectionError,
  retryDelayMs,
  storageError,
  workerFault,
} from '../../../worker/attempt/failures.ts';
import { ComfyError } from '../../../worker/comfyui/http.ts';
import { readBlocked } from '../../../worker/comfyui/outcome.ts';
import { scrub } from '../../../worker/comfyui/redact.ts';

const failure = (exceptionType: string, text: string) => ({ nodeId: '3', classType: 'KSampler', exceptionType, text });

describe('scrub', () => {
  test.each([
    ['cannot open /home/me/models/a.safetensors now', 'cannot open [path] now'],
    ["No such file: '/srv/my models/a b.png'", "No such file: '[path]'"],
    ['C:\\ComfyUI\\models\\x.ckpt missing', '[path] missing'],
    ["open('C:/My Models/x')", "open('[path]')"],
    ['\\\\nas\\share\\x missing', '[path] missing'],
    ['GET http://10.0.0.7:8188/view?x=1 failed', 'GET [address] failed'],
    ['connect to 10.0.0.7:8188 refused', 'connect to [address] refused'],
    ['connect to localhost:8188 refused', 'connect to [address] refused'],
    ['connect to gpu-1.inner.lan:8188 refused', 'connect to [address] refused'],
    ['bind [fe80::1]:8188', 'bind [address]'],
    ['~/.cache/huggingface is full', '[path] is full'],
  ])('%s', (text, clean) => {
    expect(scrub(text)).toBe(clean);
  });

  test.each([
    'Expected 3/4 channels and/or a mask, got 1.5 (ratio 2.0)',
    "sampler_name: 'k_euler' not in ['euler', 'ddim']",
    "ckpt_name: 'sd/xl.safetensors' not in (list of length 30)",
    'Sizes of tensors must match except in dimension 1. Expected size 64 but got size 32.',
  ])('leaves alone: %s', (text) => {
    expect(scrub(text)).toBe(text);
  });

  test.each([
    ['Incorrect API key provided: sk-proj-abcdEFGH1234567890abcd.', 'Incorrect API key provided: [secret].'],
    ['key sk-ant-api03-AbCdEf123456789012345', 'key [secret]'],
    ['AKIAIOSFODNN7EXAMPLE is denied', '[secret] is denied'],
    ['hf_abcdefghijklmnopqrstuvwx', '[secret]'],
    ["{'Authorization': 'Bearer abc123def456ghi789'}", "{'Authorization': 'Bearer [secret]'}"],
    ['token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc', 'token [secret]'],
    ['Authorization: Basic dXNlcjpwYXNzd29yZA==', 'Authorization: Basic [secret]'],
    ["invalid api_key='hunter2hunter2'", "invalid api_key='[secret]'"],
    ['OPENAI_API_KEY=foobarbaz1 was refused', 'OPENAI_API_KEY=[secret] was refused'],
    ['https://me:hunter2@10.0.0.1/x failed', '[address] failed'],
    ['licensed to bob.smith+x@mail.example.com', 'licensed to [mail]'],
    ['fe80::1 refused', '[address] refused'],
    ['connect ECONNREFUSED ::1:8188', 'connect ECONNREFUSED [address]'],
    ['fe80::1%eth0 and 2001:db8:0:0:1:2:3:4', '[address] and [address]'],
    ['::ffff:10.0.0.7 is away', '[address] is away'],
  ])('B17 %s', (text, clean) => {
    expect(scrub(text)).toBe(clean);
  });

  test.each([
    'Basic settings are missing, and the bearer token expired',
    'Basic KSampler: tensor[0:3], x[::2] and x[1::2] at 12:30:45',
    'std::bad_alloc in c10::Error',
    'lora@v2.safetensors needs comfyui-x@1.2.3',
    "token=None, max_token='a long string', tokenizer='openai/clip-vit'",
    "KeyError: 'token_type'; password must be given; sk-learn-something-version",
    'Given groups=1, weight of size [320, 4, 3, 3], expected input[2, 9, 64, 64] to have 4 channels',
    'ratio 16:9, dead:beef, 1:2:3',
  ])('B17 leaves alone: %s', (text) => {
    expect(scrub(text)).toBe(text);
  });

  test('B17 is done soon with whatever a node says', () => {
    const began = performance.now();
    for (const part of ['a-', 'a.', ':a', 'a@a.', 'sk-', 'token', "'/", '1.', 'bearer ', '[a:', 'eyJa.']) {
      expect(scrub(part.repeat(100_000)).length).toBeLessThanOrEqual(500);
    }
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test('takes the first line that says something, without control characters, and bounds it', () => {
    expect(scrub('\n\nTraceback (most recent call last):\nfailed\u0007here\n  File "/x/y.py", line 3')).toBe(
      'failed here',
    );
    expect(scrub('a'.repeat(5_000))).toHaveLength(500);
    expect(scrub('')).toBe('');
  });
});

describe('errors of a job', () => {
  test('a refusal names node, input and choices, and is not worth another try', () => {
    const text = "sampler_name: 'k_euler' not in ['euler']";
    expect(rejectionError({ type: 'value_not_in_list', nodeId: '3', classType: 'KSampler', text })).toEqual({
      code: 'WORKFLOW_REJECTED',
      message: "KSampler (node 3): sampler_name: 'k_euler' not in ['euler']",
      nodeId: '3',
      classType: 'KSampler',
      retryable: false,
    });
  });

  test.each([
    ['torch.OutOfMemoryError', 'Allocation on device'],
    ['torch.cuda.OutOfMemoryError', ''],
    ['MemoryError', ''],
    ['RuntimeError', 'CUDA error: out of memory'],
    ['RuntimeError', "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes"],
  ])('%s %s is out of memory', (type, text) => {
    expect(executionError(failure(type, text))).toMatchObject({ code: 'OUT_OF_MEMORY', retryable: true });
  });

  test('any other exception is EXECUTION_FAILED and tells no path', () => {
    const error = executionError(failure('FileNotFoundError', "No such file or directory: '/opt/comfy/x.png'\n\ntips"));
    expect(error).toEqual({
      code: 'EXECUTION_FAILED',
      message: "KSampler (node 3): FileNotFoundError: No such file or directory: '[path]'",
      nodeId: '3',
      classType: 'KSampler',
      retryable: false,
    });
  });

  test.each([
    ['RuntimeError', '', 'RuntimeError'],
    ['KeyError', "'samples'", "KeyError: 'samples'"],
    ['some.package.QuotaError', '\n\nover quota\nsee /opt/x', 'QuotaError: over quota'],
    ['ValueError', 'ValueError: no', 'ValueError: no'],
    ['unknown', 'no', 'no'],
    ['Exception', 'no', 'no'],
    ['unknown', '', 'it failed without saying why'],
    ['sk-abcdef1234567890abcdef', 'no', 'no'],
  ])('B17 %s %j is told as %s', (type, text, said) => {
    expect(executionError(failure(type, text)).message).toBe(`KSampler (node 3): ${said}`);
  });

  test('B17 what blocked an input is told where nothing was made', () => {
    const blocked = failure('ExecutionBlocked', 'Execution Blocked: the switch at /opt/x is off');
    expect(noOutputError('The workflow left no result', blocked)).toMatchObject({
      code: 'NO_OUTPUT',
      message: 'The workflow left no result. KSampler (node 3): Execution Blocked: the switch at [path] is off',
      nodeId: '3',
      retryable: false,
    });
    expect(noOutputError('The workflow left no result', null).message).toBe('The workflow left no result');
  });

  test('B13 it is told in five hundred characters, however many nodes a server names', () => {
    const nodes = Array.from({ length: 50_000 }, (_, i) => `SaveImage ${i}`).join(', ');
    expect(noOutputError(`The workflow left only temporary files (${nodes})`, null).message).toHaveLength(500);
    const data = { prompt_id: 'p', node_id: 'x'.repeat(1e6), node_type: 'y'.repeat(1e6) };
    const message = { ...data, exception_type: 'ExecutionBlocked', exception_message: 'z'.repeat(1e6) };
    const blocked = readBlocked({ type: 'execution_error', data: message });
    const error = noOutputError('The workflow left no result', blocked);
    expect(error).toMatchObject({ nodeId: 'x'.repeat(255), classType: 'y'.repeat(255) });
    expect(error.message).toHaveLength(500);
  });

  test('a full storage is told from one that is away', () => {
    expect(storageError(new StorageError('full', 'x')).code).toBe('STORAGE_FULL');
    expect(storageError(new StorageError('denied', 'x')).code).toBe('STORAGE_UNAVAILABLE');
  });
});

test('delays double up to half a minute, less a fifth at most', () => {
  expect([0, 1, 2, 9].map((failures) => retryDelayMs(failures, () => 1))).toEqual([1_000, 2_000, 4_000, 30_000]);
  expect(retryDelayMs(0, () => 0)).toBe(800);
});

const failed = (code: string) => Object.assign(new Error(`${code}: it failed`), { code });

test.each([
  ['EMFILE', /descriptor/],
  ['ENFILE', /descriptor/],
  ['ENOSPC', /TMPDIR/],
  ['EROFS', /TMPDIR/],
])('%s is a fault of the worker, wherever it appears', (code, fault) => {
  expect(workerFault(failed(code))).toMatch(fault);
  const within = new ComfyError('unreachable', null, { cause: new Error('fetch failed', { cause: failed(code) }) });
  expect(workerFault(within)).toMatch(fault);
});

test('a full disk and a storage that refuses the worker are its faults; what is away or full for all is none', () => {
  expect(workerFault(new SpoolError('full', 'x'))).toMatch(/TMPDIR/);
  expect(workerFault(new StorageError('denied', 'the clock is wrong'))).toMatch(/refuses it: the clock is wrong/);
  expect(workerFault(new StorageError('unavailable', 'x', { cause: failed('EMFILE') }))).toMatch(/descriptor/);
  const others = [
    new StorageError('full', 'x', { cause: failed('ENOSPC') }),
    new StorageError('unavailable', 'away', { cause: failed('ECONNREFUSED') }),
    new SpoolError('truncated', 'x'),
    new ComfyError('reset', null),
    new Error('ENOSPC'),
    'EMFILE',
    null,
    undefined,
  ];
  expect(others.map(workerFault)).toEqual(others.map(() => null));
});
