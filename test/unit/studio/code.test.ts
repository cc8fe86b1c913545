import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'graphql';
import { describe, expect, onTestFinished, test } from 'vitest';
import { toLiteral } from '../../../studio/src/code/literal.ts';
import { oneLine, toCurl, toModule } from '../../../studio/src/code/operation.ts';
import * as operations from '../../../studio/src/code/operations.ts';

const URL = 'http://127.0.0.1:4000/graphql';
const HOSTILE = `it's "so" $HOME \`id\` \\ \n \u2028 end`;

describe('a literal', () => {
  test.for([[HOSTILE], [{ 'a-b': [1, null, true, { deep: HOSTILE }], empty: {}, none: [] }], [{ __proto: 1 }]])(
    'says the same to JavaScript as the value: %j',
    ([value]) => {
      expect(new Function(`return ${toLiteral(value)}`)()).toEqual(value);
    },
  );

  test('stays on one line while it fits, and breaks where it does not', () => {
    expect(toLiteral({ prompt: 'a boat', steps: 20 })).toBe("{ prompt: 'a boat', steps: 20 }");
    const long = { prompt: 'x'.repeat(60), negativePrompt: 'y'.repeat(60), left: undefined };
    expect(toLiteral(long)).toBe(`{\n  prompt: '${long.prompt}',\n  negativePrompt: '${long.negativePrompt}',\n}`);
  });
});

/** Runs it in a folder of its own with these files; gives what it says. */
function run(script: string, files: { [name: string]: string } = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'comfygate-code-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return execFileSync('sh', ['-c', script], { encoding: 'utf8', cwd: folder });
}

/** A curl that says what it is given, and what is to be read from its standard input. */
const CURL = `curl() { for each; do case "$each" in @-) cat ;; *) printf '%s\\0' "$each" ;; esac; done; }\n`;

/** The words that a shell makes of a command line. */
function words(line: string): string[] {
  return run(CURL + line)
    .split('\0')
    .slice(0, -1);
}

describe('curl', () => {
  test('sends what the page sends, whatever is in it', () => {
    const operation = operations.generate('textToImage', { prompt: HOSTILE }, { idempotencyKey: 'k' });
    const given = words(toCurl(operation, { url: URL }));
    const body = JSON.parse(given.at(-1) ?? '');
    expect(given.slice(0, 2)).toEqual(['-s', URL]);
    expect(body.variables).toEqual(operation.variables);
    expect(parse(body.query, { noLocation: true })).toEqual(parse(operation.query, { noLocation: true }));
  });

  test('names the key by a variable of the shell, and watches over server-sent events', () => {
    const line = toCurl(operations.watch('id-1'), { url: URL, credentials: true });
    expect(words(`COMFYGATE_KEY=cg_secret\n${line}`)).toEqual(
      expect.arrayContaining(['-sN', 'Accept: text/event-stream', 'Authorization: Bearer cg_secret']),
    );
    expect(toCurl(operations.cancel('id-1'), { url: URL })).not.toContain('Authorization');
  });

  test('sends files of the disk first, and names them by the ids that they get', () => {
    const file = new File(['boat'], "bo'at.png", { type: 'image/png' });
    const operation = operations.generate('upscale', { image: file }, { idempotencyKey: 'k' });
    expect(operation.files).toEqual([{ name: "bo'at.png", type: 'image/png', size: 4 }]);
    const script = toCurl(operation, { url: URL });
    const answer = JSON.stringify({
      data: { createUpload: { id: 'made-1', url: 'http://there/1', headers: { 'If-None-Match': '*', 'X-A': 'b' } } },
    });
    const fake = `curl() {
      case "$*" in
        *CreateUpload*) printf '%s' ${JSON.stringify(answer).replaceAll('$', '\\$')} ;;
        *) [ "$2" = -K ] && cat; for each; do printf '%s\\0' "$each"; done ;;
      esac
    }`;
    const said = run(`${fake}\n${script}`, { "bo'at.png": 'boat' });
    expect(said).toContain('header = "If-None-Match: *"\nheader = "X-A: b"\n');
    expect(said).toContain("-T\0bo'at.png\0http://there/1\0");
    const body = JSON.parse(said.split('\0').at(-2) ?? '');
    expect(body.variables.input.workflow).toEqual({ upscale: { image: { upload: 'made-1' } } });
  });
});

describe('what a page does with files and with several', () => {
  const graph = { 3: { class_type: 'KSampler', inputs: { text: HOSTILE, name: '\\(no) $x' } } };
  const json = { name: "it's.json", type: 'application/json', size: 9 };
  const picture = { name: 'made.png', type: 'image/png', size: 4 };

  test('a file of JSON is added as a workflow, whatever is in it', () => {
    const operation = operations.addWorkflow(json, { name: 'portrait', replace: true });
    const text = run(CURL + toCurl(operation, { url: URL }), { [json.name]: JSON.stringify(graph) });
    const { query, variables } = JSON.parse(text.split('\0').at(-1) ?? '');
    expect(query).toBe(oneLine(operation.query));
    expect(variables).toEqual({ input: { source: { graph }, name: 'portrait', replace: true } });
    expect(toModule(operation, { url: URL })).toContain("graph: JSON.parse(await readFile('it\\'s.json', 'utf8'))");
  });

  test('a picture is sent before it is added as a workflow', () => {
    const operation = operations.addWorkflow(picture, { name: 'portrait', replace: false });
    expect(operation.files).toEqual([picture]);
    expect(operation.variables).toEqual({ input: { source: { upload: 'UPLOAD_1' }, name: 'portrait' } });
    expect(operation.client).toContain("source: await comfy.upload(await openAsBlob('made.png'");
  });

  test('a file is sent, as large as it is on the disk', () => {
    const script = `${CURL}jq() { cat > /dev/null; }\n${toCurl(operations.upload(picture), { url: URL })}`;
    const text = run(script, { 'made.png': 'twelve bytes' });
    expect(text).toContain('-T\0made.png');
    expect(text).toContain('"size": 12,');
  });

  test('several jobs are deleted one after the other', () => {
    const { query, variables } = operations.remove('a');
    const text = run(CURL + toCurl(operations.removeAll(['a', "b'"]), { url: URL }));
    const bodies = text.split('\0').filter((word) => word.startsWith('{'));
    expect(bodies.map((body) => JSON.parse(body))).toEqual([
      { query: oneLine(query), variables },
      { query: oneLine(query), variables: { id: "b'" } },
    ]);
  });
});

describe('the line of the client', () => {
  test('calls the workflow by its name and takes what it makes', () => {
    const { client } = operations.generate(
      'textToImage',
      { prompt: 'a boat' },
      { idempotencyKey: 'k', tags: ['a'], makes: ['IMAGE'] },
    );
    expect(client).toBe("const { images } = await comfy.textToImage({ prompt: 'a boat' }, { tags: ['a'] });");
    const mixed = operations.generate('job', {}, { idempotencyKey: 'k', makes: ['IMAGE', 'TEXT'] });
    expect(mixed.client).toBe("const { artifacts } = await comfy.run('job', {});");
  });

  test('opens a file from the disk, in a module that says where all comes from', () => {
    const file = new File(['boat'], 'boat.png', { type: 'image/png' });
    const operation = operations.generate('upscale', { image: file }, { idempotencyKey: 'k', makes: ['IMAGE'] });
    expect(toModule(operation, { url: URL, credentials: true })).toBe(`import { openAsBlob } from 'node:fs';
import { createComfy } from '@comfygate/client';

const comfy = createComfy({ url: 'http://127.0.0.1:4000', token: process.env.COMFYGATE_KEY });
const { images } = await comfy.upscale({ image: await openAsBlob('boat.png', { type: 'image/png' }) });
`);
  });
});
