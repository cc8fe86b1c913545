import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { ADD_WORKFLOW } from '../code/documents.ts';
import { isJson, type NeededFile } from '../code/operation.ts';
import { addWorkflow as asOperation } from '../code/operations.ts';
import { useTell } from '../parts/toasts.tsx';
import { codeOf } from '../session/query-client.ts';
import { useComfy } from '../session/session.tsx';
import type { FileValue } from './form-model.ts';
import { nameOfFile, readGraph } from './workflow-source.ts';

interface Added {
  addWorkflow: { workflow: { name: string; title: string }; notes: string[] };
}

type Source = { graph: unknown } | { upload: string };

/** For *as code* while no file was added. */
const SAMPLE: NeededFile = { name: 'workflow.json', type: 'application/json', size: 0 };

interface Addition {
  file: File;
  source: Source;
  name: string;
  replace: boolean;
}

/**
 * Makes workflows of files: JSON, or a picture, film or sound that ComfyUI has made. `onOther` gets a file that carries
 * none, or that this caller may not add, as the upload that it has become; it tells whether it has use for it.
 */
export function useAddWorkflow(onOther: (value: FileValue, file: File) => boolean) {
  const comfy = useComfy();
  const queries = useQueryClient();
  const tell = useTell();
  const [, navigate] = useLocation();
  /** What has the name of another one. */
  const [twin, setTwin] = useState<Addition | null>(null);

  const add = useMutation({
    mutationFn: ({ source, name, replace }: Addition) =>
      comfy.query<Added>(ADD_WORKFLOW, { input: { source, name, replace } }),
    async onSuccess({ addWorkflow: { workflow, notes } }) {
      setTwin(null);
      await queries.invalidateQueries({ queryKey: ['workflows'] });
      navigate(`/make/${workflow.name}`);
      tell(`Added: ${workflow.title}`, { description: notes.join(' ') });
    },
    onError(error, addition) {
      if (codeOf(error) === 'CONFLICT') setTwin(addition);
      else if ('graph' in addition.source || !onOther(addition.source, addition.file))
        tell(`${addition.file.name} was not added`, { description: error.message, bad: true });
    },
  });

  const read = useMutation({
    mutationFn: async (file: File): Promise<Source> =>
      isJson(file) ? { graph: await readGraph(file) } : comfy.upload(file),
    onSuccess: (source, file) => add.mutate({ file, source, name: nameOfFile(file.name), replace: false }),
    onError: ({ message }, file) => tell(`${file.name} was not taken`, { description: message, bad: true }),
  });

  return {
    isAdding: add.isPending || read.isPending,
    add: (file: File) => read.mutate(file),
    /** What was added last, as a call. */
    operation() {
      const { file = SAMPLE, name = nameOfFile(file.name), replace = false } = add.variables ?? {};
      return asOperation(file, { name, replace });
    },
    twin: twin && {
      name: twin.name,
      replace: () => add.mutate({ ...twin, replace: true }),
      rename: (name: string) => add.mutate({ ...twin, name }),
      leave: () => setTwin(null),
    },
  };
}
