import {
  type AuthInfo,
  createMcpHandler,
  ProtocolError,
  ProtocolErrorCode,
  Server,
} from '@modelcontextprotocol/server';
import { GatewayError } from '../core/errors.ts';
import { TOO_MUCH_WAITS } from '../graphql/engine/budgets.ts';
import { needsScopes } from '../graphql/scopes.ts';
import type { ToolCall } from './await-job.ts';
import { callKey, createOpenCalls } from './calls.ts';
import { cancelJob, createUpload, readJob } from './job-tools.ts';
import type { ToolResult } from './results.ts';
import { runWorkflow } from './run-workflow.ts';
import type { McpCall, McpServices } from './services.ts';
import { listTools, workflowNameOf } from './tools.ts';

export interface McpOptions {
  services: McpServices;
  version: string;
  /** Called with what nobody expected, which the client is told nothing of. */
  onUnexpected: (error: unknown, requestId: string) => void;
  /** So often something is written into a stream that has nothing to say. */
  keepAliveMs: number;
  /** Streams that wait for changes of the tools. */
  maxSubscriptions: number;
  /** Aborts when this gateway stops: what waits is answered as it stands. */
  closing: AbortSignal;
}

/** The Model Context Protocol over HTTP, without a session: each request has a server of its own. */
export interface Mcp {
  /** `body`: that of a POST, parsed. */
  answer(request: Request, body: unknown, call: McpCall): Promise<Response>;
  /** Tells who waits for that that there are other tools. */
  toolsChanged(): void;
}

/** What a client knows a call by is sent with each step of it. */
const MOST_TOKEN_CHARACTERS = 255;

const INSTRUCTIONS = [
  'Every tool but job, cancel_job and create_upload is a workflow of this ComfyUI installation, which makes pictures,',
  'films, sound or text. What takes long goes on after the answer: wait for it by the tool job. A file is given as',
  'exactly one of {"url"}, {"artifact"} (a result of an earlier job), {"upload"} and {"data"} in base64.',
].join(' ');

export function createMcp(options: McpOptions): Mcp {
  const { services, version, onUnexpected, keepAliveMs, maxSubscriptions, closing } = options;
  const calls = createOpenCalls();
  const senders = new WeakMap<AuthInfo, McpCall>();

  async function callTool(name: string, tool: ToolCall): Promise<ToolResult> {
    if (name === 'job') return readJob(tool, services);
    if (name === 'cancel_job') return cancelJob(tool, services);
    if (name === 'create_upload') return createUpload(tool, services);
    const workflow = services.catalogue.get(workflowNameOf(name));
    if (workflow) return runWorkflow(workflow, tool, services, calls);
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is no tool of this name: list them again.');
  }

  /** A client of 2025 cancels by a request of its own, which may come to another gateway than its call. */
  async function cancel(call: McpCall, requestId: string | number): Promise<void> {
    const { identity, session, client, address } = call;
    if (session === null) return;
    needsScopes(identity, 'job:write');
    if (calls.cancel(identity.caller, session, requestId)) return;
    const status = ['QUEUED', 'RUNNING'] as const;
    const filter = { status: [...status], workflow: null, tag: callKey(session, requestId), createdAfter: null };
    const page = await services.jobs.list({
      ...{ identity, client, first: 1, after: null },
      filter: { ...filter, createdBefore: null },
    });
    for (const { job } of page.edges) await services.jobs.cancel(identity, job.id, call.requestId, address, client);
  }

  /** What is thrown on purpose is told; nothing of anything else. */
  async function masked<T>(call: McpCall, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      if (error instanceof GatewayError) throw new ProtocolError(ProtocolErrorCode.InternalError, error.message);
      onUnexpected(error, call.requestId);
      throw new ProtocolError(ProtocolErrorCode.InternalError, 'Unexpected error.');
    }
  }

  function createServer(call: McpCall, leavingCancels: boolean): Server {
    const capabilities = { tools: { listChanged: true } };
    const server = new Server({ name: 'comfygate', version }, { capabilities, instructions: INSTRUCTIONS });
    server.setRequestHandler('tools/list', ({ params }) =>
      masked(call, async () => {
        // Without Redis there are the tools, and no choices of models.
        const backends = await services.backends.backends().catch(() => []);
        const page = listTools(services.catalogue, call.identity, backends, params?.cursor);
        if (!call.keep(JSON.stringify(page).length)) throw new GatewayError(TOO_MUCH_WAITS, { code: 'LIMIT_EXCEEDED' });
        return { ...page };
      }),
    );
    server.setRequestHandler('tools/call', ({ params }, { mcpReq }) =>
      masked(call, () => {
        const progressToken = params._meta?.progressToken;
        const isTold = progressToken !== undefined && String(progressToken).length <= MOST_TOKEN_CHARACTERS;
        return callTool(params.name, {
          ...{ call, id: mcpReq.id, arguments: params.arguments ?? {}, leavingCancels, closing },
          async onProgress(progress) {
            if (!isTold || call.signal.aborted) return;
            const params = { progressToken, ...progress };
            await mcpReq.notify({ method: 'notifications/progress', params }).catch((error: unknown) => {
              // Of one that has just left nobody is told any more.
              if (!call.signal.aborted) throw error;
            });
          },
        });
      }),
    );
    server.setNotificationHandler('notifications/cancelled', ({ params: { requestId } }) =>
      masked(call, async () => {
        if (requestId !== undefined) await cancel(call, requestId);
      }),
    );
    return server;
  }

  const handler = createMcpHandler(
    ({ authInfo, era }) => {
      const call = authInfo && senders.get(authInfo);
      if (!call) throw new Error('a request of the Model Context Protocol came without its sender');
      return createServer(call, era === 'modern');
    },
    { keepAliveMs, maxSubscriptions },
  );

  return {
    answer(request, body, call) {
      const authInfo: AuthInfo = { token: '', clientId: call.identity.caller, scopes: [] };
      senders.set(authInfo, call);
      return handler.fetch(request, { parsedBody: body, authInfo });
    },
    toolsChanged: () => handler.notify.toolsChanged(),
  };
}
