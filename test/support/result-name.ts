/** A result's file name without its workflow and job: what ComfyUI calls the file behind the worker's own prefix. */
export function nameAtComfyui(filename: string): string {
  return filename.replace(/^.*?-[0-9a-f]{8}-/, '');
}
