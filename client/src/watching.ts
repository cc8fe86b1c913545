import type { Connection } from './connection.ts';
import { PARAMETERS, WATCH, WATCH_ALL } from './documents.ts';
import { errorOf, errorOfSocket, NotFound } from './errors.ts';
import { iterate } from './events.ts';
import type { Job, JobEvent } from './job.ts';
import type { WatchAllOptions, WatchOptions } from './options.ts';
import type { SendDocument } from './query.ts';

type Events = AsyncGenerator<JobEvent, void, undefined>;

/** The events of jobs, over the socket. */
export function createWatching(query: SendDocument, { socket }: Pick<Connection, 'socket'>) {
  const events = (query: string, variables: Record<string, unknown>, signal: AbortSignal | undefined): Events =>
    iterate<JobEvent>(
      (sink) =>
        socket.subscribe<{ event: JobEvent }>(
          { query, variables },
          {
            next({ data, errors }) {
              if (data) sink.next(withAddress(data.event));
              else sink.error(errorOf(errors?.[0]));
            },
            error: (error) => sink.error(Array.isArray(error) ? errorOf(error[0]) : errorOfSocket(error)),
            complete: sink.complete,
          },
        ),
      signal,
    );

  /** Of this job, up to its end. `parameters` are in no event, since they may be large and stay the same. */
  async function* follow({ id, parameters }: Pick<Job, 'id' | 'parameters'>, options: WatchOptions): Events {
    const { previews = false, afterSeq, signal } = options;
    for await (const event of events(WATCH, { id, previews, afterSeq }, signal))
      yield { ...event, job: { ...event.job, parameters } };
  }

  return {
    follow,
    async *watch(id: string, options: WatchOptions = {}): Events {
      const { job } = await query<{ job: Pick<Job, 'parameters'> | null }>(PARAMETERS, { id }, options);
      if (!job) throw NotFound.job(id);
      yield* follow({ id, ...job }, options);
    },
    watchAll: ({ filter, signal }: WatchAllOptions = {}): Events => events(WATCH_ALL, { filter }, signal),
  };
}

function withAddress(event: JobEvent): JobEvent {
  const { preview } = event;
  return preview
    ? { ...event, preview: { ...preview, url: `data:${preview.contentType};base64,${preview.data}` } }
    : event;
}
