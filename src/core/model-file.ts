/** Of files that ComfyUI and its usual extensions load models from. */
const MODEL_FILE = /\.(?:safetensors|sft|ckpt|pth?|pt2|bin|pkl|gguf|onnx)$/i;

/** Whether a literal of a graph names a model, by its file ending. */
export function isModelFile(value: unknown): value is string {
  return typeof value === 'string' && MODEL_FILE.test(value);
}
