import type { Command } from 'commander';
import type { ConvertOptions } from './convert-workflows.ts';
import type { WorkflowCommandsOptions } from './workflow-actions.ts';

/** Whose classes are taken where none is named: of these the one that knows most of a file. */
export const WHOSE = 'that which the running workers have told of, or a stock one';

/** `comfygate workflow convert`. */
export function addConvertCommand(workflow: Command, io: WorkflowCommandsOptions): void {
  workflow
    .command('convert')
    .argument('<files...>', "workflows as ComfyUI's editor saves them")
    .description("write workflows of ComfyUI's editor in the API format, each as <name>.api.json")
    .option('--comfyui <url>', `a ComfyUI whose classes are taken (default: ${WHOSE})`)
    .option('--object-info <file>', "what a ComfyUI answered to GET /object_info, in that one's place")
    .option('--out <folder>', 'where to write (default: beside each file)')
    .addHelpText(
      'after',
      `
The result is what File > Export (API) gives in that ComfyUI. What cannot be converted is said, such as a class that the
ComfyUI does not have; the others are written all the same, and the command exits with 1.

Example:
  $ comfygate workflow convert portrait.json --comfyui http://127.0.0.1:8188
  portrait.api.json`,
    )
    .action(async (files: string[], options: ConvertOptions) => {
      const { convert } = await import('./convert-workflows.ts');
      await convert(files, options, io);
    });
}
