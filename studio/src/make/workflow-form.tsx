import type { Workflow, WorkflowParameter } from '@comfygate/client';
import { ChevronRight, Sparkles } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useState } from 'react';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Control } from './control.tsx';
import { FileControl } from './file-control.tsx';
import { type FileValue, faultOf, shownValue } from './form-model.ts';
import type { UploadState } from './use-uploads.ts';
import styles from './workflow-form.module.css';

interface Props {
  workflow: Workflow;
  chosen: Readonly<Record<string, unknown>>;
  onChoose(name: string, value: unknown): void;
  /** What the gateway said of fields, by their paths. */
  refused: Readonly<Record<string, string>>;
  /** What the gateway said that is about no field. */
  problem: string | undefined;
  lastSeed: number | undefined;
  isSending: boolean;
  uploadState(name: string): UploadState;
  onFiles(parameter: WorkflowParameter, files: readonly File[]): void;
  onSubmit(): void;
  /** Beside the button. */
  children?: ReactNode;
}

/** The form of a workflow, made of what the API says of it. */
export function WorkflowForm(props: Props) {
  const { workflow, chosen, refused, problem, isSending, uploadState, onSubmit } = props;
  // What is missing is not said before somebody tries.
  const [tried, setTried] = useState(false);
  const { parameters } = workflow;
  const faults = new Map(parameters.map((parameter) => [parameter.name, faultFor(parameter)]));
  const isBusy = parameters.some(({ name }) => uploadState(name).sending > 0);

  function faultFor(parameter: WorkflowParameter): string | undefined {
    const value = shownValue(parameter, chosen[parameter.name]);
    const fault = faultOf(parameter, value);
    const isMissing = fault !== undefined && faultOf({ ...parameter, required: false }, value) === undefined;
    const told = Object.entries(refused).find(([path]) => path.split('.')[0] === parameter.name)?.[1];
    return uploadState(parameter.name).error ?? (isMissing && !tried ? undefined : fault) ?? told;
  }

  function submit() {
    if (isSending || isBusy) return;
    setTried(true);
    const wrong = parameters.find((parameter) => faultOf(parameter, shownValue(parameter, chosen[parameter.name])));
    if (!wrong) return onSubmit();
    // After the errors are shown, and what hides the field is open.
    setTimeout(() => {
      const field = document.querySelector<HTMLElement>(`[data-field="${CSS.escape(wrong.name)}"]`);
      field?.closest('details')?.setAttribute('open', '');
      field?.querySelector<HTMLElement>('[aria-invalid]')?.focus();
      // The error stands below the control, where the button may cover it.
      field?.scrollIntoView({ block: 'center' });
    });
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.repeat) submit();
  }

  const fields = (which: readonly WorkflowParameter[]) =>
    which.map((parameter) => (
      <ParameterField key={parameter.name} parameter={parameter} error={faults.get(parameter.name)} {...props} />
    ));
  const advanced = parameters.filter((parameter) => parameter.advanced);
  const hasFaults = advanced.some(({ name }) => faults.get(name) !== undefined);

  return (
    <form
      noValidate
      className={styles.form}
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <div className={styles.fields}>
        {fields(parameters.filter((parameter) => !parameter.advanced))}
        {advanced.length > 0 && (
          <details className={styles.advanced} open={hasFaults || undefined}>
            <summary>
              <ChevronRight size={16} aria-hidden />
              Advanced
              <span className={styles.count}>{advanced.length}</span>
            </summary>
            <div className={styles.folded}>{fields(advanced)}</div>
          </details>
        )}
      </div>
      <div className={styles.footer}>
        {problem !== undefined && (
          <p role="alert" className={styles.problem}>
            {problem}
          </p>
        )}
        <div className={styles.buttons}>
          <Button type="submit" kind="primary" className={styles.generate} disabled={isSending || isBusy}>
            <Sparkles size={17} aria-hidden />
            {isSending ? 'Sending…' : isBusy ? 'Sending files…' : 'Generate'}
          </Button>
          {props.children}
        </div>
      </div>
    </form>
  );
}

interface FieldProps extends Pick<Props, 'workflow' | 'chosen' | 'onChoose' | 'lastSeed' | 'uploadState' | 'onFiles'> {
  parameter: WorkflowParameter;
  error: string | undefined;
}

function ParameterField({ parameter, error, workflow, chosen, onChoose, lastSeed, uploadState, onFiles }: FieldProps) {
  const { name, title, type, list, required, multiline, description, default: own } = parameter;
  const value = shownValue(parameter, chosen[name]);
  const isOptional = !required && (own === null || own === '') && type !== 'SEED' && type !== 'BOOLEAN';
  const files = (list ? value : value === undefined ? [] : [value]) as readonly FileValue[];
  return (
    <div data-field={name} className={type === 'BOOLEAN' && !list ? styles.inline : undefined}>
      <Field
        label={title}
        // A text of several lines says it where the text is to be.
        hint={multiline && type === 'STRING' && !list ? undefined : (description ?? undefined)}
        error={error}
        optional={isOptional}
      >
        {type === 'FILE' ? (
          <FileControl
            parameter={parameter}
            values={files}
            sending={uploadState(name).sending}
            maskOf={pictureOf(workflow, chosen)}
            onChange={(next) => onChoose(name, list ? next : next[0])}
            onFiles={(given) => onFiles(parameter, given)}
          />
        ) : (
          <Control parameter={parameter} value={value} onChange={(next) => onChoose(name, next)} lastSeed={lastSeed} />
        )}
      </Field>
    </div>
  );
}

/** The picture that a mask of the same form is for: the first. */
function pictureOf({ parameters }: Workflow, chosen: Readonly<Record<string, unknown>>): FileValue | undefined {
  const picture = parameters.find(({ fileKind, list }) => fileKind === 'IMAGE' && !list);
  return picture && (chosen[picture.name] as FileValue | undefined);
}
