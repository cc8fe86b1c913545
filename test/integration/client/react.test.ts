import { Component, createElement, type ReactNode, StrictMode, Suspense } from 'react';
import { renderToReadableStream } from 'react-dom/server.edge';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Comfy } from '../../../client/src/comfy.ts';
import {
  ComfyProvider,
  type LiveJob,
  type UseGeneration,
  type UseJobs,
  useGeneration,
  useJob,
  useJobs,
} from '../../../client/src/react.ts';
import { forbidden, unavailable } from '../../../src/core/errors.ts';
import { testEvent, testJob } from '../../support/graph-services.ts';
import { ALL, nth, openJobGateway } from '../../support/job-gateway.ts';
import { openSmallRoot } from '../../support/small-dom.ts';

const { id } = testJob();

/** Renders it as a page in development does, where each component is mounted, unmounted and mounted again. */
function render(comfy: Comfy, shown: ReactNode) {
  const root = openSmallRoot();
  const show = (node: ReactNode) =>
    root.render(createElement(StrictMode, null, createElement(ComfyProvider, { comfy }, node)));
  show(shown);
  return { show, text: root.text };
}

test('useGeneration shows a job from its acceptance to its result, with one call and one watcher', async () => {
  const { comfy, services, calls, watchers } = await openJobGateway();
  const seen: UseGeneration<string>[] = [];
  const latest = () => seen.at(-1);
  function Page() {
    seen.push(useGeneration('textToImage'));
    return null;
  }
  render(comfy, createElement(Page));
  await vi.waitFor(() => expect(latest()).toMatchObject({ isRunning: false, job: undefined, connection: 'online' }));

  const ended = latest()?.run({ prompt: 'a fox' });
  await vi.waitFor(() => expect(latest()).toMatchObject({ isRunning: true, job: { status: 'QUEUED' } }));
  await vi.waitFor(() => expect(watchers().job).toBe(1));
  const progress = { ...testJob().progress, fraction: 0.5 };
  services.feed.say(id, testEvent(2, { job: testJob({ seq: 2, progress }) }));
  await vi.waitFor(() => expect(latest()).toMatchObject({ progress: { fraction: 0.5 }, job: { status: 'RUNNING' } }));
  const preview = { contentType: 'image/png', data: 'cHJldmlldw==' };
  services.feed.say(id, testEvent(2, { type: 'PREVIEW', preview }));
  await vi.waitFor(() => expect(latest()?.preview?.url).toBe('data:image/png;base64,cHJldmlldw=='));
  services.feed.say(id, testEvent(3, { type: 'SUCCEEDED', job: testJob({ seq: 3, status: 'SUCCEEDED' }) }));
  services.feed.end(id);

  expect(await ended).toMatchObject({ job: { id }, images: [] });
  await vi.waitFor(() =>
    expect(latest()).toMatchObject({ isRunning: false, result: { job: { status: 'SUCCEEDED' } } }),
  );
  expect(latest()).toMatchObject({ preview: undefined, error: undefined, job: { status: 'SUCCEEDED' } });
  expect([calls.generate, watchers().job]).toEqual([1, 0]);
});

test('what is wrong with an input is an error with fields, and one that is canceled is none', async () => {
  const { comfy, watchers } = await openJobGateway();
  let latest: UseGeneration<string> | undefined;
  function Page() {
    latest = useGeneration('textToImage');
    return null;
  }
  render(comfy, createElement(Page));
  await vi.waitFor(() => expect(latest).toBeDefined());
  expect(await latest?.run({ prompt: 'a fox', width: 7, no: 1 })).toBeUndefined();
  await vi.waitFor(() => expect(latest).toMatchObject({ isRunning: false, error: { code: 'BAD_USER_INPUT' } }));

  const ended = latest?.run({ prompt: 'a fox' });
  await vi.waitFor(() => expect(watchers().job).toBe(1));
  expect(latest?.error).toBeUndefined();
  latest?.cancel();
  expect(await ended).toBeUndefined();
  await vi.waitFor(() => expect(latest).toMatchObject({ isRunning: false, error: undefined }));
  await vi.waitFor(() => expect(watchers().job).toBe(0));
});

test('a second run takes the place of the first, of which no more is shown, and which gives its result', async () => {
  const { comfy, services, watchers } = await openJobGateway();
  let latest: UseGeneration<string> | undefined;
  function Page() {
    latest = useGeneration('textToImage');
    return null;
  }
  render(comfy, createElement(Page));
  await vi.waitFor(() => expect(latest).toBeDefined());
  const first = latest?.run({ prompt: 'a fox' });
  await vi.waitFor(() => expect(watchers().job).toBe(1));
  const second = latest?.run({ prompt: 'an owl' });
  await vi.waitFor(() => expect(latest?.job?.id).toBe(nth(1)));
  await vi.waitFor(() => expect(watchers().job).toBe(2));
  services.feed.say(id, testEvent(3, { type: 'SUCCEEDED', job: testJob({ seq: 3, status: 'SUCCEEDED' }) }));
  services.feed.end(id);
  expect(await first).toMatchObject({ job: { id } });
  expect(latest).toMatchObject({ job: { id: nth(1) }, result: undefined, isRunning: true });
  const job = testJob({ id: nth(1), seq: 3, status: 'FAILED' });
  const error = {
    code: 'OUT_OF_MEMORY',
    message: 'too large',
    retryable: true,
    nodeId: null,
    classType: null,
  } as const;
  services.feed.say(nth(1), testEvent(3, { type: 'FAILED', job: { ...job, error } }));
  services.feed.end(nth(1));
  expect(await second).toBeUndefined();
  await vi.waitFor(() => expect(latest).toMatchObject({ error: { code: 'OUT_OF_MEMORY' }, isRunning: false }));
});

test('useJob has one subscription for all who show a job, ended with the last, and knows what is no job', async () => {
  const { comfy, services, calls, watchers } = await openJobGateway(testJob());
  const seen: { [who: string]: LiveJob } = {};
  function Shown({ who, of }: { who: string; of?: string }) {
    seen[who] = useJob(of);
    return null;
  }
  const both = ['a', 'b'].map((who) => createElement(Shown, { key: who, who, of: id }));
  const page = render(comfy, both);
  await vi.waitFor(() => expect(watchers().job).toBe(1));
  services.feed.say(id, testEvent(1, { type: 'SNAPSHOT' }));
  await vi.waitFor(() => expect([seen.a, seen.b]).toMatchObject([{ job: { seq: 1 } }, { job: { seq: 1 } }]));
  // One call that asks for what no event brings, and one subscription.
  expect([calls.sent, watchers().job]).toEqual([1, 1]);

  page.show(both[0]);
  services.feed.say(id, testEvent(2));
  await vi.waitFor(() => expect(seen.a).toMatchObject({ job: { seq: 2 } }));
  page.show(createElement(Shown, { who: 'c', of: 'another' }));
  await vi.waitFor(() => expect(watchers().job).toBe(0));
  await vi.waitFor(() => expect(seen.c).toMatchObject({ job: null, error: undefined }));
  page.show(createElement(Shown, { who: 'd' }));
  await vi.waitFor(() => expect(seen.d).toMatchObject({ job: undefined, error: undefined }));
});

test('useJobs shows jobs as they come and change, those of its status only, and reads no page twice', async () => {
  const at = testJob().createdAt;
  const old = [1, 2, 3].map((n) => testJob({ id: `old-${n}`, createdAt: at - n, seq: 5, status: 'SUCCEEDED' }));
  const { comfy, happens, calls, watchers, changes, kept } = await openJobGateway(...old);
  let all: UseJobs | undefined;
  let ended: UseJobs | undefined;
  const shown = (list: UseJobs | undefined) => list?.jobs?.map(({ id, status }) => `${id} ${status}`);
  function All() {
    all = useJobs({}, { first: 2 });
    return null;
  }
  function Ended() {
    ended = useJobs({ status: ['SUCCEEDED'] });
    return null;
  }
  render(comfy, [createElement(All, { key: 'all' }), createElement(Ended, { key: 'ended' })]);
  await vi.waitFor(() => expect(shown(all)).toEqual(['old-1 SUCCEEDED', 'old-2 SUCCEEDED']));
  await vi.waitFor(() => expect(ended?.jobs).toHaveLength(3));
  await vi.waitFor(() => expect([all?.isLoading, ended?.isLoading]).toEqual([false, false]));
  expect(watchers().all).toBe(2);
  const before = calls.list;

  const job = testJob({ id: 'new', createdAt: at + 1, status: 'QUEUED' });
  happens('QUEUED', job);
  await vi.waitFor(() => expect(shown(all)).toEqual(['new QUEUED', 'old-1 SUCCEEDED', 'old-2 SUCCEEDED']));
  happens('STARTED', { ...job, status: 'RUNNING', seq: 2 });
  await vi.waitFor(() => expect(all?.jobs?.[0]).toMatchObject({ status: 'RUNNING', seq: 2 }));
  expect(ended?.jobs).toHaveLength(3);
  happens('SUCCEEDED', { ...job, status: 'SUCCEEDED', seq: 3 });
  await vi.waitFor(() => expect(shown(ended)?.[0]).toBe('new SUCCEEDED'));
  // One behind the end of the page that was read is not of the list yet.
  happens('STARTED', { ...testJob({ id: 'old-3', createdAt: at - 3, seq: 6, status: 'RUNNING' }) });
  await vi.waitFor(() => expect(shown(ended)).not.toContain('old-3 SUCCEEDED'));
  expect(all?.jobs).toHaveLength(3);
  expect(calls.list).toBe(before);
  all?.loadMore();
  await vi.waitFor(() => expect(all).toMatchObject({ hasMore: false, isLoading: false }));
  expect(shown(all)?.at(-1)).toBe('old-3 RUNNING');

  // Events were missed: what has gone meanwhile is gone, and the pages are as many as before.
  kept.delete('old-1');
  changes.fail(ALL, unavailable('Events were missed.', 0));
  await vi.waitFor(() => expect(shown(all)).toEqual(['new SUCCEEDED', 'old-2 SUCCEEDED', 'old-3 RUNNING']));
});

test('what happens while a list is read is not undone by it', async () => {
  const running = testJob();
  const { comfy, gate, happens, calls } = await openJobGateway(running);
  let list: UseJobs | undefined;
  function All() {
    list = useJobs();
    return null;
  }
  render(comfy, createElement(All));
  await vi.waitFor(() => expect(list).toMatchObject({ isLoading: false, jobs: [{ status: 'RUNNING' }] }));
  let open = () => {};
  gate.list = new Promise((resolve) => (open = resolve));
  const before = calls.list;
  list?.reload();
  await vi.waitFor(() => expect(calls.list).toBe(before + 1));
  happens('SUCCEEDED', { ...running, status: 'SUCCEEDED', seq: 5 });
  happens('QUEUED', testJob({ id: 'new', createdAt: running.createdAt + 1, status: 'QUEUED' }));
  await vi.waitFor(() => expect(list?.jobs).toHaveLength(2));
  open();
  await vi.waitFor(() => expect(list?.isLoading).toBe(false));
  expect(list?.jobs?.map(({ status }) => status)).toEqual(['QUEUED', 'SUCCEEDED']);
});

test('a list of which more come than were asked for keeps the newest, and can go on behind them', async () => {
  const at = testJob().createdAt;
  const { comfy, happens } = await openJobGateway();
  let list: UseJobs | undefined;
  function All() {
    list = useJobs({}, { first: 2 });
    return null;
  }
  render(comfy, createElement(All));
  await vi.waitFor(() => expect(list).toMatchObject({ jobs: [], isLoading: false }));
  for (let n = 0; n < 20; n++) {
    happens('QUEUED', testJob({ id: `job-${n}`, createdAt: at + n, status: 'QUEUED' }));
    await vi.waitFor(() => expect(list?.jobs?.[0]?.id).toBe(`job-${n}`));
  }
  await vi.waitFor(() => expect(list).toMatchObject({ hasMore: true, isLoading: false }));
  expect(list?.jobs?.length).toBeLessThan(6);
});

test('with suspense a component is shown when there is something to show', async () => {
  const { comfy } = await openJobGateway(testJob());
  function Status() {
    const { job } = useJob(id, { suspense: true });
    const { jobs } = useJobs({}, { suspense: true });
    return `${job?.status} of ${jobs.length}`;
  }
  const page = render(comfy, createElement(Suspense, { fallback: 'wait' }, createElement(Status)));
  await vi.waitFor(() => expect(page.text()).toBe('wait'));
  await vi.waitFor(() => expect(page.text()).toContain('RUNNING of 1'));
});

test('with suspense an error goes to the error boundary, which can try again', async () => {
  const { comfy, services } = await openJobGateway(testJob());
  const get = vi.spyOn(services.jobs, 'get').mockRejectedValue(forbidden('no'));
  let boundary: Boundary | undefined;
  class Boundary extends Component<{ children: ReactNode }, { failed?: unknown }> {
    override state: { failed?: unknown } = {};
    static getDerivedStateFromError = (failed: unknown) => ({ failed });
    override render() {
      boundary = this;
      return this.state.failed ? String(this.state.failed) : this.props.children;
    }
  }
  const Status = () => useJob(id, { suspense: true }).job?.status;
  const waiting = createElement(Suspense, { fallback: 'wait' }, createElement(Status));
  const page = render(comfy, createElement(Boundary, null, waiting));
  await vi.waitFor(() => expect(page.text()).toMatch(/^Forbidden/));
  expect(get).toHaveBeenCalledOnce();
  get.mockRestore();
  await vi.waitFor(() => {
    boundary?.setState({ failed: undefined });
    expect(page.text()).toBe('RUNNING');
  });
});

test('with suspense a server sends a component with what it shows', async () => {
  // React warns of a context that both of its renderers have used, as they do in this file alone.
  const warned = vi.spyOn(console, 'error').mockReturnValue();
  onTestFinished(() => warned.mockRestore());
  const { comfy } = await openJobGateway(testJob());
  const Status = () => createElement('output', null, useJob(id, { suspense: true }).job?.status);
  const page = createElement(ComfyProvider, { comfy }, createElement(Suspense, null, createElement(Status)));
  const stream = await renderToReadableStream(page);
  await stream.allReady;
  expect(await new Response(stream).text()).toContain('<output>RUNNING</output>');
});
