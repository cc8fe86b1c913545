import { eventStreams, heldAnswers, idleConnections, idleSockets } from './crowds.ts';
import { deafFramePings, deafPings, deafPingsWithPayload, deafRefusals } from './deaf-sockets.ts';
import { deepBodies, deepVariables, keptDocuments, longIds, longNames, pipelined, slowBodies } from './documents.ts';
import { pingFlood, queryFlood, refusalFlood } from './floods.ts';
import { largeJobs, tinyJobs } from './jobs.ts';
import { largeEvents, largeFields } from './large-answers.ts';
import { largePictures } from './pictures.ts';
import { announcedUploads, slowUploads } from './uploads.ts';

/** Every kind of attack, by name. */
export const attacks = {
  deafPings,
  deafPingsWithPayload,
  deafFramePings,
  deafRefusals,
  pingFlood,
  queryFlood,
  refusalFlood,
  largeEvents,
  largeFields,
  keptDocuments,
  longIds,
  longNames,
  deepVariables,
  deepBodies,
  slowBodies,
  pipelined,
  largePictures,
  slowUploads,
  announcedUploads,
  tinyJobs,
  largeJobs,
  // Crowds last: those whom they keep out would try nothing.
  idleSockets,
  idleConnections,
  eventStreams,
  heldAnswers,
};

export type AttackName = keyof typeof attacks;
