import type { Frame, ImageValue } from '../pictures/frame.ts';
import { PythonError } from '../protocol/python.ts';

/** What a text encoder gives. */
export interface Conditioning {
  kind: 'conditioning';
  text: string;
}

/** A batch of latents: how to draw the pictures, or frames of a clip, that they decode to. */
export interface Latent {
  kind: 'latent';
  /** Size of what it decodes to, in pixels. Audio latents have none. */
  width: number;
  height: number;
  batch: number;
  /** Frames of a clip; 1 for pictures. */
  length: number;
  /** Seconds, of audio latents. */
  seconds: number;
  frame(index: number): Frame;
  /** What decides the sound that it decodes to. */
  seed: string;
}

/** Sound, described: silence, or a tone that a seed decides. */
export interface Audio {
  kind: 'audio';
  sampleRate: number;
  channels: number;
  seconds: number;
  tune?: string;
}

export interface Video {
  kind: 'video';
  images: ImageValue;
  fps: number;
  audio: Audio | undefined;
}

/** What the simulated machine can allocate at once. Bytes. */
const memoryBytes = 64 * 1024 ** 3;

/** @throws PythonError as torch's CPU allocator does when so much memory cannot be had. */
export function allocate(bytes: number): void {
  if (bytes <= memoryBytes) return;
  throw new PythonError(
    'RuntimeError',
    '[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: ' +
      `can't allocate memory: you tried to allocate ${bytes} bytes. Error code 12 (Cannot allocate memory)`,
  );
}
