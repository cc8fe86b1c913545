import type { Artifact, FileKind, Workflow } from '@comfygate/client';
import { recipeAddress } from '../session/recipe.ts';

const KINDS: Partial<Record<Artifact['__typename'], readonly FileKind[]>> = {
  ImageArtifact: ['IMAGE', 'MASK'],
  VideoArtifact: ['VIDEO'],
  AudioArtifact: ['AUDIO'],
};

export interface Taker {
  key: string;
  /** For a person. */
  name: string;
  /** Address of its form with the result in it. */
  href: string;
}

/** Parameters of workflows that take a file of this kind. */
export function takersOf(workflows: readonly Workflow[], artifact: Artifact): Taker[] {
  const kinds = KINDS[artifact.__typename] ?? [];
  return workflows.flatMap(({ name, title, parameters }) => {
    const fitting = parameters.filter(({ type, fileKind }) => type === 'FILE' && fileKind && kinds.includes(fileKind));
    return fitting.map((parameter) => {
      const file = { artifact: artifact.id };
      return {
        key: `${name}.${parameter.name}`,
        name: fitting.length > 1 ? `${title}: ${parameter.title}` : title,
        href: recipeAddress(name, { [parameter.name]: parameter.list ? [file] : file }),
      };
    });
  });
}
