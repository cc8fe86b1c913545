import type { UiOutput } from '../execution/prompt-queue.ts';
import type { FileStore } from '../files.ts';
import type { PreviewImage } from '../messages.ts';
import type { ImageValue } from '../pictures/frame.ts';
import type { Graph } from '../protocol/graph.ts';
import { isRecord } from '../protocol/json.ts';
import { PythonError, text, toBool, toFloat, toInt, typeName } from '../protocol/python.ts';
import type { Audio, Conditioning, Latent, Video } from './values.ts';

/** One call of a node with one set of inputs, and the parts of the server that it may use. */
export interface NodeCall {
  id: string;
  classType: string;
  inputs: Record<string, unknown>;
  /** Types of the outputs that linked inputs come from. */
  linkTypes: Record<string, string>;
  prompt: Graph;
  /** `extra_pnginfo` of the request: each key becomes metadata of saved files. */
  extraPnginfo: Record<string, unknown>;
  /** `api_key_comfy_org` of the request, which no client sees. */
  apiKey: string | null;
  /** `preview_method` of the request; sampler previews are off unless it names one. */
  previewMethod: string;
  files: FileStore;
  now(): Date;
  /** Five letters that make temporary file names unique. */
  letters: string;
  /** Waits this long at speed 1. An interrupt does not end it, as with a node that computes. */
  work(ms: number): Promise<void>;
  /** Waits this long at speed 1, then reports progress. Here a node can be interrupted. */
  step(ms: number, value: number, max: number, image?: PreviewImage | Promise<PreviewImage>): Promise<void>;
  /** Sends a progress text to every socket. */
  sendText(text: string): void;
}

export interface NodeOutcome {
  /** One value per output; a list of values where the class says that the output is a list. */
  outputs?: unknown[];
  /** What the node shows to clients: lists by key. */
  ui?: UiOutput;
}

export type NodeRun = (call: NodeCall) => NodeOutcome | Promise<NodeOutcome>;

function isKind(value: unknown, ...kinds: string[]): boolean {
  return isRecord(value) && typeof value.kind === 'string' && kinds.includes(value.kind);
}

function wrongValue(value: unknown, attribute: string): PythonError {
  return new PythonError('AttributeError', `'${typeName(value)}' object has no attribute '${attribute}'`);
}

/** Images and masks of an input. @throws PythonError if a literal stands where a link belongs. */
export function imageInput(call: NodeCall, name: string): ImageValue {
  const value = call.inputs[name];
  if (!isKind(value, 'image', 'mask')) throw wrongValue(value, 'shape');
  return value as ImageValue;
}

/** An image or mask that is subtracted from a number. @throws PythonError as Python's for any other value. */
export function subtrahendInput(call: NodeCall, name: string): ImageValue {
  const value = call.inputs[name];
  if (isKind(value, 'image', 'mask')) return value as ImageValue;
  throw new PythonError('TypeError', `unsupported operand type(s) for -: 'float' and '${typeName(value)}'`);
}

export function optionalImage(call: NodeCall, name: string): ImageValue | undefined {
  return call.inputs[name] === undefined || call.inputs[name] === null ? undefined : imageInput(call, name);
}

export function latentInput(call: NodeCall, name: string): Latent {
  const value = call.inputs[name];
  if (!isKind(value, 'latent')) throw new PythonError('TypeError', `'${typeName(value)}' object is not subscriptable`);
  return value as Latent;
}

export function conditioningInput(call: NodeCall, name: string): Conditioning {
  const value = call.inputs[name];
  if (!isKind(value, 'conditioning')) throw wrongValue(value, 'copy');
  return value as Conditioning;
}

export function audioInput(call: NodeCall, name: string): Audio {
  const value = call.inputs[name];
  if (!isKind(value, 'audio')) throw new PythonError('TypeError', `'${typeName(value)}' object is not subscriptable`);
  return value as Audio;
}

export function videoInput(call: NodeCall, name: string): Video {
  const value = call.inputs[name];
  if (!isKind(value, 'video')) throw wrongValue(value, 'get_dimensions');
  return value as Video;
}

export function numberInput(call: NodeCall, name: string, fallback?: number): number {
  const value = call.inputs[name];
  if (value === undefined && fallback !== undefined) return fallback;
  return toFloat(value);
}

/** A whole number as text, exact beyond 2^53. */
export function integerText(call: NodeCall, name: string): string {
  const value = toInt(call.inputs[name]);
  return typeof value === 'number' ? String(value) : value.rawJSON;
}

export function textInput(call: NodeCall, name: string, fallback = ''): string {
  const value = call.inputs[name];
  return value === undefined ? fallback : text(value);
}

export function boolInput(call: NodeCall, name: string): boolean {
  return toBool(call.inputs[name]);
}
