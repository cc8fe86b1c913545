import { FileInput } from 'lucide-react';
import { type ReactNode, Suspense, useRef } from 'react';
import type { Operation } from '../code/operation.ts';
import { lazily } from '../parts/lazily.ts';
import type { FileValue } from './form-model.ts';
import { useAddWorkflow } from './use-add-workflow.tsx';
import { useDroppedFiles } from './use-dropped-files.ts';
import styles from './workflow-drop.module.css';

const TwinDialog = lazily(() => import('./twin-dialog.tsx'));

interface Props {
  /** Gets a file that is no workflow, and tells whether it has use for it. */
  onOther(value: FileValue, file: File): boolean;
  onPasted(files: File[]): void;
  /** The page, which can let people choose a file. `asOperation`: what adding one calls. */
  children(choose: () => void, isAdding: boolean, asOperation: () => Operation): ReactNode;
}

/** Takes workflows that are dropped anywhere on the page, or chosen. */
export function WorkflowDrop({ onOther, onPasted, children }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const { add, isAdding, operation, twin } = useAddWorkflow(onOther);
  const hovering = useDroppedFiles((files) => files.slice(0, 1).forEach(add), onPasted);
  return (
    <>
      {children(() => input.current?.click(), isAdding, operation)}
      <input
        ref={input}
        type="file"
        accept=".json,image/*,video/*,audio/*"
        aria-label="Workflow file"
        tabIndex={-1}
        hidden
        onChange={({ target }) => {
          [...(target.files ?? [])].forEach(add);
          target.value = '';
        }}
      />
      {hovering && (
        <div className={styles.overlay}>
          <p className={styles.words}>
            <FileInput size={18} aria-hidden />
            Drop a workflow, or a picture that carries one; into a field, to use it there
          </p>
        </div>
      )}
      {twin && (
        <Suspense>
          <TwinDialog key={twin.name} {...twin} />
        </Suspense>
      )}
    </>
  );
}
