import type { Redis } from 'ioredis';
import { jobEventTypes, type LoggedEvent } from '../../core/events.ts';
import type { Job } from '../../core/job.ts';
import type { Keys } from '../../redis/keys.ts';
import { loadScript, type ScriptReply, strings } from '../../redis/scripts.ts';
import type { LogReading } from '../event-log.ts';
import { fieldsOf, parseRecord } from '../record.ts';

const readScript = loadScript(new URL('./read-log.lua', import.meta.url));

function parseEntries(entries: ScriptReply | undefined): LoggedEvent[] {
  if (!Array.isArray(entries)) throw new Error('the log was not answered as a list');
  return entries.map((entry) => {
    const [id, fields] = Array.isArray(entry) ? entry : [];
    const [, name, , at, , as] = strings(fields);
    const known = (text: string | undefined) => jobEventTypes.find((each) => each === text);
    // Of an event that only a later version knows, `name` is what it is for the others.
    const type = known(as) ?? known(name);
    if (!type) throw new Error(`the log holds an event of unknown type ${name}`);
    return { seq: Number.parseInt(String(id), 10), type, at: Number(at) };
  });
}

/**
 * Null when there is no such job. `known`: its parameters, which never change, where they have been read before: then
 * they are not read again, and the job has this very object.
 */
export async function readLog(
  redis: Redis,
  keys: Keys,
  jobId: string,
  afterSeq: number,
  known?: Job['parameters'],
): Promise<LogReading | null> {
  const reply = await readScript(redis, [keys.job(jobId), keys.events(jobId)], [afterSeq, known ? '1' : '']);
  const [record, oldest, entries] = Array.isArray(reply) ? reply : [];
  const fields = fieldsOf(strings(record));
  const read = parseRecord(known && fields.id !== undefined ? { ...fields, parameters: '{}' } : fields);
  if (!read) return null;
  const job = known ? { ...read, parameters: known } : read;
  const first = parseEntries(oldest)[0]?.seq ?? Number.POSITIVE_INFINITY;
  const reaches = afterSeq === job.seq || (afterSeq < job.seq && first <= afterSeq + 1);
  return { job, events: reaches ? parseEntries(entries) : null };
}
