import { loadScript, type Script, type ScriptReply } from '../../redis/scripts.ts';

const LIBRARIES = ['./fair.lua', './meters.lua'].map((name) => new URL(name, import.meta.url));

/** A script beside this file that takes part in fair share. */
export const loadFairScript = (name: string): Script => loadScript(new URL(name, import.meta.url), ...LIBRARIES);

/** The ticket of a script's answer that is to be added to the queue; null: there are enough. */
export function ticketOf(reply: ScriptReply | undefined): string | null {
  if (typeof reply !== 'string') throw new Error('a script answered no ticket');
  return reply === '' ? null : reply;
}

/**
 * Adds a ticket to the queue that a script has asked for. Never rejects: one that could not be added is added by the
 * sweeper.
 */
export type AddTicket = (ticket: string) => Promise<void>;
