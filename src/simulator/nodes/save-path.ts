import { posix } from 'node:path';
import type { FolderType } from '../files.ts';
import { PythonError } from '../protocol/python.ts';
import type { NodeCall } from './node-call.ts';

/** Where the real server of the recorded scenarios had its folders. Only error texts show it. */
export const baseDirectory = '/srv/comfyui';

/** A file as a node's ui names it. */
export interface FileReference {
  filename: string;
  subfolder: string;
  type: FolderType;
}

export interface SavePath {
  subfolder: string;
  /** The name without counter; `%batch_num%` is still in it. */
  name: string;
  counter: number;
}

/**
 * Resolves a `filename_prefix`: variables, directory, next free counter.
 * @throws PythonError if it leads out of the folder.
 */
export function savePath(call: NodeCall, folder: FolderType, prefix: string, width = 0, height = 0): SavePath {
  const now = call.now();
  const two = (value: number): string => String(value).padStart(2, '0');
  const variables: Record<string, string> = {
    '%width%': String(width),
    '%height%': String(height),
    '%year%': String(now.getFullYear()),
    '%month%': two(now.getMonth() + 1),
    '%day%': two(now.getDate()),
    '%hour%': two(now.getHours()),
    '%minute%': two(now.getMinutes()),
    '%second%': two(now.getSeconds()),
  };
  const named = prefix.replace(
    /%(width|height|year|month|day|hour|minute|second)%/g,
    (found) => variables[found] ?? found,
  );
  const root = `${baseDirectory}/${folder}`;
  const normal = posix.normalize(named);
  const directory = posix.resolve(root, posix.dirname(normal));
  if (directory !== root && !directory.startsWith(`${root}/`)) {
    throw new PythonError(
      'Exception',
      '**** ERROR: Saving image outside the output folder is not allowed.\n' +
        ` full_output_folder: ${directory}\n         output_dir: ${root}`,
    );
  }
  const subfolder = posix.relative(root, directory);
  const name = posix.basename(normal);
  return { subfolder, name, counter: call.files.nextCounter(folder, subfolder, name) };
}

/** Writes a file of a save; `ending` is what follows the counter, such as `_.png`. */
export function saveFile(
  call: NodeCall,
  folder: FolderType,
  path: SavePath,
  number: number,
  ending: string,
  bytes: Buffer,
): FileReference {
  const name = path.name.replaceAll('%batch_num%', String(number));
  const filename = `${name}_${String(path.counter + number).padStart(5, '0')}${ending}`;
  call.files.write(folder, posix.join(path.subfolder, filename), bytes);
  return { filename, subfolder: path.subfolder, type: folder };
}

/** The prefix of temporary files: unique to each run of a node. */
export function temporaryPrefix(call: NodeCall, prefix = 'ComfyUI'): string {
  return `${prefix}_temp_${call.letters}`;
}
