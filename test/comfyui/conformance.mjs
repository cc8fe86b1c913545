#!/usr/bin/env node
// Plays the recorded scenarios against any ComfyUI, real or simulated, and compares its answers with a real one's.
// It needs Node 22 or newer and no packages.
//   node conformance.mjs http://127.0.0.1:8188 [name ...]     names: beginnings of file names in traces/; none: all
//   --traces DIR --workflows DIR                              other folders of the same form
// It prints a line for each scenario, and exits with 0 when all agree. Ids, times, counters in file names, temp
// letters, absolute paths, tensors, and how often progress is reported may differ. Statuses, error bodies, kinds and
// order of messages, outputs, history and job records must not.
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { crc32, deflateSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const args = process.argv.slice(2);
const option = (name, fallback) => {
  const i = args.indexOf(name);
  return i < 0 ? fallback : args.splice(i, 2)[1];
};
const tracesDir = option('--traces', join(here, 'recorded', 'traces'));
const workflowsDir = option('--workflows', join(here, 'recorded', 'workflows'));
const prefix = option('--prefix', ''); // file name prefixes of other folders, as `traces-,workflows-`
const [tracePrefix, workflowPrefix] = prefix ? prefix.split(',') : ['', ''];
const base = (args.shift() ?? '').replace(/\/$/, '');
if (!base) {
  console.error('usage: conformance.mjs URL [name ...]');
  process.exit(2);
}

const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const read = (dir, p, name) => JSON.parse(readFileSync(join(dir, p + name), 'utf8'));

async function call(method, path, body) {
  const r = await fetch(base + path, {
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await r.text();
  let json = null;
  try {
    json = text === '' ? null : JSON.parse(text);
  } catch {
    json = { notJson: text.slice(0, 120) };
  }
  return { status: r.status, json };
}

/** A socket that records every message in order; binary frames as in the traces. */
async function open(clientId, first) {
  const ws = new WebSocket(`${base.replace('http', 'ws')}/ws?clientId=${clientId}`);
  ws.binaryType = 'arraybuffer';
  const messages = [];
  const waiting = new Set();
  ws.onmessage = ({ data }) => {
    if (typeof data === 'string') messages.push(JSON.parse(data));
    else {
      const b = Buffer.from(data);
      messages.push({
        binary: true,
        event_type: b.readUInt32BE(0),
        ...(b.readUInt32BE(0) === 1 ? { image_format: b.readUInt32BE(4) } : {}),
      });
    }
    for (const w of waiting) w();
  };
  await new Promise((res, rej) => {
    ws.onopen = res;
    ws.onerror = () => rej(new Error('WebSocket refused'));
  });
  const until = (done, ms, what) =>
    new Promise((res, rej) => {
      const t = setTimeout(() => {
        waiting.delete(check);
        rej(new Error(`${what}: not within ${ms} ms; last ${JSON.stringify(messages.at(-1))?.slice(0, 120)}`));
      }, ms);
      const check = () => {
        const x = messages.find(done);
        if (x) {
          clearTimeout(t);
          waiting.delete(check);
          res(x);
        }
      };
      waiting.add(check);
      check();
    });
  if (first) ws.send(JSON.stringify(first));
  await until((m) => m.type === 'status' && m.data.sid, 5000, 'first status with sid');
  return { messages, until, take: () => messages.splice(0), close: () => ws.close() };
}

// ---- what may differ
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const volatile = new Set([
  'timestamp',
  'create_time',
  'execution_start_time',
  'execution_end_time',
  'number',
  'priority',
  'sid',
  'traceback',
  'current_inputs',
  'current_outputs',
  'max_upload_size',
]);
function norm(x, k) {
  if (volatile.has(k)) return `<${k}>`;
  if (typeof x === 'string')
    return x
      .replace(uuid, '<id>')
      .replace(/_\d{5}(_?)(?=[._]|$)/g, '_#$1')
      .replace(/(_temp_)[a-z]{5}/g, '$1letters')
      .replace(/(^|[\s'"])\/[^\s'"]+/g, '$1<path>')
      .replace(/ +/g, ' ');
  if (Array.isArray(x)) return k === 'executed' ? [...x].sort() : x.map((y) => norm(y));
  if (x && typeof x === 'object')
    return Object.fromEntries(
      Object.entries(x)
        .filter(([a]) => a !== 'tooltip')
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([a, b]) => [a.replace(uuid, '<id>'), norm(b, a)]),
    );
  return x;
}
const isProgress = (m) => m.type === 'progress' || m.type === 'progress_state';
/**
 * Kinds and nodes in order without progress; several equal-rank outputs may come in any order, so runs of the same kind
 * are sorted.
 */
function skeleton(messages) {
  const lines = messages
    .filter((m) => !isProgress(m) && m.type !== 'feature_flags' && !(m.type === 'status' && m.data.sid))
    .map((m) => (m.binary ? `binary ${m.event_type} ${m.image_format}` : JSON.stringify(norm(m))));
  const node = (l) => /"node":"?([^",}]*)/.exec(l)?.[1];
  const kinds = lines.map((l) => l.replace(/"node":"[^"]*"|"display_node":"[^"]*"|"output":.*\}(?=,"prompt_id")/g, ''));
  return {
    lines: [...lines].sort(),
    first: lines.slice(0, 4),
    last: lines.slice(-3),
    kinds: kinds.length,
    order: lines
      .filter((l) => l.includes('"executed"'))
      .every((l) => {
        const e = lines.findIndex((q) => q.includes('"executing"') && node(q) === node(l));
        return e < 0 || e < lines.indexOf(l);
      }),
  };
}
/** The nodes that progress was told of and the state in which each was last seen. */
function progress(messages) {
  const nodes = {};
  let told = false;
  const max = {};
  for (const m of messages) {
    if (m.type === 'progress_state')
      for (const [id, n] of Object.entries(m.data.nodes))
        nodes[id] = {
          state: n.state,
          display_node_id: n.display_node_id,
          parent_node_id: n.parent_node_id,
          real_node_id: n.real_node_id,
        };
    if (m.type === 'progress') {
      told = true;
      max[m.data.node] = m.data.max;
    }
  }
  return { nodes, told, max };
}
function diff(want, got, at = '') {
  if (isDeepStrictEqual(want, got)) return null;
  if (want && got && typeof want === 'object' && typeof got === 'object') {
    for (const k of new Set([...Object.keys(want), ...Object.keys(got)])) {
      const d = diff(want[k], got[k], `${at}/${k}`);
      if (d) return d;
    }
  }
  const [real, other] = [want, got].map((value) => JSON.stringify(value)?.slice(0, 160));
  return `${at || '/'}: a real one says ${real}, this one ${other}`;
}
/**
 * A prompt that failed: whether nodes that the failing one does not need ran before it is chance, so only what it needs
 * is compared.
 */
function onlyWhatFailed(graph, record) {
  const failed = record.ws_messages.find((m) => m.type === 'execution_error')?.data.node_id;
  if (failed === undefined) return record;
  const needed = new Set();
  const add = (id) => {
    if (needed.has(id) || !graph[id]) return;
    needed.add(id);
    for (const v of Object.values(graph[id].inputs)) if (Array.isArray(v)) add(v[0]);
  };
  add(failed);
  const pick = (o) => Object.fromEntries(Object.entries(o ?? {}).filter(([id]) => needed.has(id)));
  const kept = (l) => l.filter((id) => needed.has(id)).sort();
  const cut = (d) =>
    d
      ? {
          ...d,
          ...(Array.isArray(d.executed) ? { executed: kept(d.executed) } : {}),
          ...(Array.isArray(d.nodes) ? { nodes: kept(d.nodes) } : {}),
        }
      : d;
  const { outputs_count, previewable_outputs_count, preview_output, ...job } = record.job;
  return {
    ...record,
    ws_messages: record.ws_messages
      .filter((m) => !m.data?.node || needed.has(m.data.node))
      .map((m) =>
        m.type === 'progress_state'
          ? { ...m, data: { ...m.data, nodes: pick(m.data.nodes) } }
          : { ...m, data: cut(m.data) },
      ),
    history_entry: {
      ...record.history_entry,
      outputs: pick(record.history_entry.outputs),
      meta: pick(record.history_entry.meta),
      status: {
        ...record.history_entry.status,
        messages: record.history_entry.status.messages.map(([t, d]) => [t, cut(d)]),
      },
    },
    job: { ...job, outputs: pick(job.outputs), execution_error: cut(job.execution_error) },
  };
}
const agree = (what, want, got) => {
  const d = diff(want, got);
  if (d) throw new Error(`${what} ${d}`);
};

// ---- scenarios
function png(width, height) {
  const chunk = (type, data) => {
    const b = Buffer.concat([Buffer.from(type), data]);
    const n = Buffer.alloc(4);
    n.writeUInt32BE(data.length);
    const c = Buffer.alloc(4);
    c.writeUInt32BE(crc32(b));
    return Buffer.concat([n, b, c]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 6, 0, 0, 0], 8);
  const rows = Buffer.alloc((width * 4 + 1) * height);
  for (let i = 0; i < rows.length; i++) rows[i] = i % (width * 4 + 1) === 0 ? 0 : (i * 7) & 255;
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
async function uploads() {
  const text = option('--upload-text', ''); // a file that is not what its name says, for scenarios that need one
  if (text) {
    const form = new FormData();
    form.set('image', new Blob(['not an image']), text);
    form.set('overwrite', 'true');
    await fetch(`${base}/upload/image`, { method: 'POST', body: form });
  }
  for (const subfolder of ['', 'sub/dir']) {
    const form = new FormData();
    form.set('image', new Blob([png(64, 48)], { type: 'image/png' }), 'probe_upload.png');
    form.set('subfolder', subfolder);
    form.set('overwrite', 'true');
    const r = await fetch(`${base}/upload/image`, { method: 'POST', body: form });
    agree('upload', { name: 'probe_upload.png', subfolder, type: 'input' }, await r.json());
  }
}
const ended = (id) => (m) => m.type === 'executing' && m.data.node === null && m.data.prompt_id === id;

async function run(graph, want, sock, clientId) {
  const id = randomUUID();
  const answer = await call('POST', '/prompt', { prompt: graph, client_id: clientId, prompt_id: id });
  if (answer.status !== want.http_status)
    throw new Error(
      `POST /prompt answered ${answer.status}, a real one ${want.http_status}: ` +
        JSON.stringify(answer.json).slice(0, 200),
    );
  agree('answer', norm(want.response), norm(answer.json));
  if (answer.status !== 200) return;
  if (answer.json.prompt_id !== id) throw new Error('the prompt_id that was sent is not the one that came back');
  for (const a of want.actions ?? []) {
    if (a.after_s) await sleep(a.after_s * 1000);
    else await sock.until((m) => m.type === 'progress', 20000, 'first progress');
    const r = await call('POST', a.POST, { prompt_id: id });
    if (r.status !== a.status) throw new Error(`${a.POST} answered ${r.status}`);
  }
  await sock.until(ended(id), 60_000, 'executing null');
  for (
    let i = 0;
    sock.messages.filter((m) => m.type === 'status' && !m.data.sid).at(-1)?.data.status.exec_info.queue_remaining !==
      0 && i < 40;
    i++
  )
    await sleep(50);
  await sleep(100);
  const messages = sock.take();
  const history = (await call('GET', `/history/${id}`)).json?.[id];
  if (!history) throw new Error('no history entry');
  const mine = onlyWhatFailed(graph, {
    ws_messages: messages,
    history_entry: history,
    job: (await call('GET', `/api/jobs/${id}`)).json,
  });
  if (!want.actions) want = onlyWhatFailed(graph, want);
  const got = mine.ws_messages,
    entry = mine.history_entry,
    job = mine.job;
  const w = skeleton(want.ws_messages),
    g = skeleton(got);
  if (want.actions?.some((a) => a.after_s)) {
    // which node is reached when depends on speed
    agree(
      'last messages',
      w.last.map((l) => JSON.parse(l).type),
      g.last.map((l) => JSON.parse(l).type),
    );
  } else {
    agree('messages', w.lines, g.lines);
    agree('first messages', w.first, g.first);
    agree('last messages', w.last, g.last);
    if (!g.order) throw new Error('`executed` came before `executing` of the same node');
    const wp = progress(want.ws_messages),
      gp = progress(got);
    if (wp.told !== gp.told)
      throw new Error(`progress messages: a real one ${wp.told ? 'sends' : 'sends no'} \`progress\``);
    agree('progress_state', norm(wp.nodes), norm(gp.nodes));
    agree('progress max', wp.max, gp.max);
  }
  const outcome = (e) => ({
    outputs: e.outputs,
    meta: e.meta,
    status: { ...e.status, messages: e.status.messages.map(([type, data]) => (want.actions ? [type] : [type, data])) },
    wanted: [...e.prompt[4]].sort(),
    parts: e.prompt.length,
  });
  if (want.actions?.some((a) => a.after_s))
    agree('history', outcome(norm(want.history_entry)).status, outcome(norm(entry)).status);
  else agree('history', outcome(norm(want.history_entry)), outcome(norm(entry)));
  // which of several outputs is shown first depends on the order of equal-rank nodes
  const keep = ({ execution_status, workflow, execution_error, preview_output, ...rest }) => ({
    ...rest,
    preview_output: preview_output && {
      type: preview_output.type,
      mediaType: preview_output.mediaType,
      ...(Object.keys(rest.outputs ?? {}).length > 1 ? {} : preview_output),
    },
    ...(execution_error && !want.actions ? { execution_error } : {}),
  });
  if (want.job && !want.actions?.some((a) => a.after_s)) agree('job', norm(keep(want.job)), norm(keep(job)));
}

async function queueOrder(graph) {
  // s03
  const clientId = randomUUID();
  const sock = await open(clientId);
  const recolour = (n) => {
    const g = structuredClone(graph);
    for (const node of Object.values(g)) if (node.class_type === 'EmptyImage') node.inputs.color = n;
    return g;
  };
  const ids = [];
  const post = async (n, extra = {}) => {
    const id = randomUUID();
    ids.push(id);
    const r = await call('POST', '/prompt', { prompt: recolour(n), client_id: clientId, prompt_id: id, ...extra });
    if (r.status !== 200) throw new Error(`POST ${r.status}`);
    return r.json.number;
  };
  const seed = (Date.now() % 60000) * 200;
  const a = await post(seed + 1);
  await sock.until((m) => m.type === 'execution_start' && m.data.prompt_id === ids[0], 20_000, 'first prompt starts');
  const b = await post(seed + 2),
    c = await post(seed + 3),
    d = await post(seed + 4, { front: true }),
    // Between the two kinds of numbers that are given: of equal ones, which comes first is chance.
    e = await post(seed + 5, { number: -0.5 });
  if (!(b === a + 1 && c === a + 2 && d === -(a + 3) && e === -0.5)) throw new Error(`numbers ${[a, b, c, d, e]}`);
  const q = (await call('GET', '/queue')).json;
  agree(
    'running',
    [ids[0]],
    q.queue_running.map((x) => x[1]),
  );
  agree('pending', [ids[1], ids[2], ids[3], ids[4]].sort(), q.queue_pending.map((x) => x[1]).sort());
  agree('delete', 200, (await call('POST', '/queue', { delete: [ids[1]] })).status);
  agree('cancel pending', { cancelled: true }, (await call('POST', `/api/jobs/${ids[2]}/cancel`)).json);
  agree('cancel again', { cancelled: false }, (await call('POST', `/api/jobs/${ids[2]}/cancel`)).json);
  agree('cancel running', { cancelled: true }, (await call('POST', `/api/jobs/${ids[0]}/cancel`)).json);
  for (let i = 0; i < 800 && (await call('GET', '/prompt')).json.exec_info.queue_remaining > 0; i++) await sleep(50);
  const starts = sock.messages.filter((m) => m.type === 'execution_start').map((m) => m.data.prompt_id);
  agree(
    'order of starts',
    [
      ids[0],
      ...[
        [d, ids[3]],
        [e, ids[4]],
      ]
        .sort((x, y) => x[0] - y[0])
        .map((x) => x[1]),
    ],
    starts,
  );
  const final = [];
  for (const id of ids) {
    const r = await call('GET', `/api/jobs/${id}`);
    final.push(r.json.status ?? r.json.error);
  }
  agree('job records', ['cancelled', 'Job not found', 'Job not found', 'completed', 'completed'], final);
  sock.close();
}

async function previews(trace, graph) {
  // s04, s05: binary frames by what the client declared
  const clientId = randomUUID();
  const sock = await open(clientId, trace.client_first_message);
  await sleep(200);
  sock.take();
  const id = randomUUID();
  await call('POST', '/prompt', { prompt: graph, client_id: clientId, prompt_id: id });
  await sock.until(ended(id), 30_000, 'executing null');
  const frames = (ms) =>
    ms
      .filter((m) => m.binary)
      .map((m) => ({ event_type: m.event_type, image_format: m.event_type === 1 ? m.image_format : undefined }));
  agree('binary frames', frames(trace.ws_messages), frames(sock.take()));
  sock.close();
}
async function bystander(trace, graph) {
  // s06: a prompt without client_id, seen by another socket
  const sock = await open(randomUUID());
  sock.take();
  const id = randomUUID();
  await call('POST', '/prompt', { prompt: graph, prompt_id: id });
  for (let i = 0; i < 200 && !(await call('GET', `/history/${id}`)).json?.[id]; i++) await sleep(50);
  await sleep(200);
  const kinds = (ms) =>
    [
      ...new Set(
        ms
          .filter((m) => !(m.type === 'status' && m.data.sid))
          .map((m) => (m.binary ? `binary ${m.event_type}` : m.type)),
      ),
    ].sort();
  agree('kinds seen by a bystander', kinds(trace.ws_messages), kinds(sock.take()));
  sock.close();
}

const only = args;
let ok = 0,
  bad = 0;
await uploads().catch((e) => {
  console.log(`FALLS SHORT uploads: ${e.message}`);
  bad++;
});
for (const file of readdirSync(tracesDir)
  .filter((f) => f.startsWith(tracePrefix || '') && f.endsWith('.json') && f !== 'INDEX.json')
  .sort()) {
  const name = file.slice(tracePrefix.length);
  if (only.length && !only.some((o) => name.startsWith(o))) continue;
  const trace = read(tracesDir, tracePrefix, name);
  try {
    const load = (n) => {
      let g;
      try {
        g = read(workflowsDir, workflowPrefix, n);
      } catch {
        g = read(join(here, 'recorded', 'workflows'), '', n);
      }
      return g.prompt ?? g;
    };
    const graph = load(trace.workflow.split(' ')[0]);
    await call('POST', '/free', { free_memory: true, unload_models: true });
    await sleep(150);
    if (trace.steps) await queueOrder(graph);
    else if (!trace.runs) await (trace.client_first_message !== undefined ? previews : bystander)(trace, graph);
    else {
      const clientId = randomUUID();
      const sock = await open(clientId);
      sock.take();
      for (const want of trace.runs) await run(graph, want, sock, clientId);
      sock.close();
    }
    ok++;
    console.log(`ok ${name}`);
  } catch (e) {
    bad++;
    console.log(`FALLS SHORT ${name}: ${e.message}`);
  }
}
console.log(`${ok} agree, ${bad} fall short`);
process.exit(bad ? 1 : 0);
