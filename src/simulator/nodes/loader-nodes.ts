import { decodePicture } from '../media/picture-files.ts';
import { asRgb, type Frame, imageOf, invert, solidFrame } from '../pictures/frame.ts';
import { PythonError, repr } from '../protocol/python.ts';
import { inputFile } from './input-file.ts';
import { channelOf } from './mask-nodes.ts';
import { type NodeCall, type NodeRun, textInput } from './node-call.ts';
import { baseDirectory } from './save-path.ts';

/** The picture of an input file. */
async function loadPicture(call: NodeCall, input: string): Promise<Frame> {
  const name = textInput(call, input);
  const { folder, path, file } = inputFile(call.files, name);
  const shown = repr(`${baseDirectory}/${folder}/${path}`);
  if (!file) throw new PythonError('FileNotFoundError', `[Errno 2] No such file or directory: ${shown}`);
  const picture = await decodePicture(file.bytes);
  if (!picture) throw new PythonError('PIL.UnidentifiedImageError', `cannot identify image file ${shown}`);
  return picture;
}

const channels: Record<string, number> = { red: 0, green: 1, blue: 2, alpha: 3 };

/** Node classes that read uploaded pictures. */
export const loaderNodes: Record<string, NodeRun> = {
  LoadImage: async (call) => {
    const frame = await loadPicture(call, 'image');
    // Without alpha the real node gives an empty mask of 64 x 64.
    const mask = frame.channels === 4 ? invert(channelOf(frame, 3)) : solidFrame(64, 64, [0]);
    return { outputs: [imageOf([asRgb(frame)]), imageOf([mask], 'mask')] };
  },
  LoadImageMask: async (call) => {
    const frame = await loadPicture(call, 'image');
    const channel = channels[textInput(call, 'channel', 'alpha')] ?? 3;
    const mask = channel === 3 ? invert(channelOf(frame, 3)) : channelOf(frame, channel);
    return { outputs: [imageOf([mask], 'mask')] };
  },
};
