import type { Logger } from 'pino';
import type { AddTicket } from '../job-record/redis/fair.ts';
import type { JobQueue } from '../queue/queue.ts';

/** Adds tickets to the queue that nobody waits for. */
export const createAddTicket =
  (queue: Pick<JobQueue, 'add'>, log: Logger): AddTicket =>
  (ticket) =>
    queue.add(ticket).catch((error: Error) => {
      log.debug({ ticket, error: error.message }, 'ticket not added: the sweeper will');
    });
