import type { WorkflowParameter } from '@comfygate/client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useComfy } from '../session/session.tsx';
import { rememberFile } from './files.ts';
import type { FileValue } from './form-model.ts';

/** Of the files of a parameter that are being sent: how many, and why the last one was not taken. */
export interface UploadState {
  sending: number;
  error: string | undefined;
}

const IDLE: UploadState = { sending: 0, error: undefined };

/** Sends files as soon as they are chosen, so that what is wrong with one shows at once. */
export function useUploads(onUploaded: (parameter: WorkflowParameter, value: FileValue) => void) {
  const comfy = useComfy();
  const queries = useQueryClient();
  const [states, setStates] = useState<Readonly<Record<string, UploadState>>>({});
  const change = (name: string, by: (state: UploadState) => UploadState) =>
    setStates((before) => ({ ...before, [name]: by(before[name] ?? IDLE) }));

  const { mutate, variables } = useMutation({
    mutationFn: ({ file }: { parameter: WorkflowParameter; file: File }) => comfy.upload(file),
    onMutate: ({ parameter }) => change(parameter.name, ({ sending }) => ({ sending: sending + 1, error: undefined })),
    onSuccess(value, { parameter, file }) {
      rememberFile(queries, value, { name: file.name, type: file.type, url: URL.createObjectURL(file) });
      change(parameter.name, ({ sending, error }) => ({ sending: sending - 1, error }));
      onUploaded(parameter, value);
    },
    onError({ message }, { parameter }) {
      change(parameter.name, ({ sending }) => ({ sending: sending - 1, error: message }));
    },
  });

  return {
    /** That which was sent last, if any. */
    last: variables?.file,
    state: (name: string) => states[name] ?? IDLE,
    send(parameter: WorkflowParameter, files: readonly File[]) {
      for (const file of parameter.list ? files : files.slice(0, 1)) mutate({ parameter, file });
    },
  };
}
