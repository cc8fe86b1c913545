import type { Command } from 'commander';
import { addConvertCommand, WHOSE } from './convert-command.ts';
import type { AddOptions, WorkflowCommandsOptions, WorkflowOptions } from './workflow-actions.ts';

/** `comfygate workflow add|convert|check`. */
export function addWorkflowCommands(program: Command, io: WorkflowCommandsOptions): void {
  const workflow = program.command('workflow').description('make, convert and check workflows');

  workflow
    .command('add')
    .argument('<file>', 'a workflow as the editor saves or exports it, or a picture, film or sound made with one')
    .description('make a typed workflow of a file: its graph, and a manifest of what callers can set')
    .option('--name <name>', "its name in the API (default: made of the file's name)")
    .option('--dir <folder>', 'the workflows folder (default: WORKFLOWS_DIR)')
    .option('--comfyui <url>', `a ComfyUI whose choices and limits are taken (default: ${WHOSE})`)
    .option('--force', 'overwrite a workflow of that name', false)
    .addHelpText(
      'after',
      `
Found are prompts, seeds, sizes, steps, models, input files and the like. A node titled $name in ComfyUI's editor is a
parameter of that name, "$name: text" describes it, and "$width $height" marks two inputs of one node.

Example:
  $ comfygate workflow add my-export.json --name portrait --comfyui http://127.0.0.1:8188`,
    )
    .action(async (file: string, options: AddOptions) => {
      const { add } = await import('./workflow-actions.ts');
      await add(file, options, io);
    });

  addConvertCommand(workflow, io);

  workflow
    .command('check')
    .description('check every manifest against its graph, and against a ComfyUI')
    .option('--dir <folder>', 'the workflows folder (default: WORKFLOWS_DIR)')
    .option('--comfyui <url>', 'a ComfyUI that has to have their classes, models and choices, and to take their limits')
    .addHelpText(
      'after',
      '\nExits with 1 when there are faults.\n\nExample:\n  $ comfygate workflow check --comfyui http://127.0.0.1:8188',
    )
    .action(async (options: WorkflowOptions) => {
      const { check } = await import('./workflow-actions.ts');
      await check(options, io);
    });
}
