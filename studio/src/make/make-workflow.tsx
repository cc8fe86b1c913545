import { BadUserInput, type Job, type Workflow, type WorkflowParameter } from '@comfygate/client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus, RotateCcw } from 'lucide-react';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { AsCode } from '../code/as-code.tsx';
import { newKey } from '../code/new-key.ts';
import * as operations from '../code/operations.ts';
import { IconButton } from '../parts/button.tsx';
import { Choice } from '../parts/choice.tsx';
import { PageTitle } from '../parts/page-title.tsx';
import { useComfy } from '../session/session.tsx';
import { isOfKind, SAMPLES } from './files.ts';
import { type FileValue, inputOf } from './form-model.ts';
import styles from './make-workflow.module.css';
import { RecentJobs } from './recent-jobs.tsx';
import { Stage } from './stage.tsx';
import { useRecipe } from './use-recipe.ts';
import { useUploads } from './use-uploads.ts';
import { WorkflowDrop } from './workflow-drop.tsx';
import { WorkflowForm } from './workflow-form.tsx';

const RECENT = 16;

interface Props {
  workflow: Workflow;
  workflows: readonly Workflow[];
}

/** The form of one workflow beside what it makes. */
export function MakeWorkflow({ workflow, workflows }: Props) {
  const comfy = useComfy();
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const { chosen, choose, add, use } = useRecipe(workflow);
  const [shownId, setShownId] = useState<string | null>(null);
  const { parameters, name } = workflow;

  const { data: recent } = useQuery({
    queryKey: ['jobs', 'of-workflow', name],
    queryFn: () => comfy.jobs({ first: RECENT, filter: { workflow: name } }),
  });
  const jobs = recent?.nodes ?? [];

  const generate = useMutation({
    mutationFn: () => comfy.start(name, inputOf(parameters, chosen)),
    onSuccess: show,
    onError(error) {
      // The workflow may have changed since the form was made.
      if (error instanceof BadUserInput) void queries.invalidateQueries({ queryKey: ['workflows'] });
    },
  });
  // One that was just accepted is in no list yet.
  const latest = generate.data?.id === shownId ? generate.data : undefined;
  const shown = jobs.find(({ id }) => id === shownId) ?? latest ?? jobs[0] ?? null;

  function show(job: Job) {
    setShownId(job.id);
    void queries.invalidateQueries({ queryKey: ['jobs'] });
    window.scrollTo({ top: 0 });
  }

  function put(parameter: WorkflowParameter, value: FileValue) {
    if (parameter.list) add(parameter.name, value);
    else choose(parameter.name, value);
  }
  const uploads = useUploads(put);

  /** Where a file goes that was given to no field: that with the focus, or else the first with room. */
  function fieldFor(file: File): WorkflowParameter | undefined {
    const focused = document.activeElement?.closest<HTMLElement>('[data-parameter]')?.dataset.parameter;
    const fitting = parameters.filter(({ type, fileKind }) => type === 'FILE' && isOfKind(fileKind, file));
    const empty = fitting.find((parameter) => parameter.list || chosen[parameter.name] === undefined);
    return fitting.find((parameter) => parameter.name === focused) ?? empty ?? fitting[0];
  }

  const fileKind = parameters.find(({ type }) => type === 'FILE')?.fileKind;
  const actions = [
    {
      name: 'Generate',
      operation: () =>
        operations.generate(name, inputOf(parameters, chosen), { idempotencyKey: newKey(), makes: workflow.makes }),
    },
    ...(fileKind
      ? [{ name: 'Send a file', operation: () => operations.upload(uploads.last ?? SAMPLES[fileKind]) }]
      : []),
  ];

  const { error } = generate;
  const refused = error instanceof BadUserInput ? error.fields : {};
  const isAboutFields = Object.keys(refused).some((path) =>
    parameters.some((each) => path.split('.')[0] === each.name),
  );
  const missing = workflow.backends.every(({ canRun }) => !canRun) ? workflow.backends[0]?.missing : undefined;

  return (
    <WorkflowDrop
      onOther={(value, file) => {
        const parameter = fieldFor(file);
        if (parameter) put(parameter, value);
        return parameter !== undefined;
      }}
      onPasted={(files) => {
        for (const file of files) {
          const parameter = fieldFor(file);
          if (parameter) uploads.send(parameter, [file]);
        }
      }}
    >
      {(chooseFile, isAdding, addOperation) => (
        <div className={styles.page}>
          <section className={styles.panel} aria-label="Settings">
            <div className={styles.head}>
              <span className={styles.heading}>
                <PageTitle>{workflow.title}</PageTitle>
              </span>
              <Choice
                label="Workflow"
                options={workflows.map(({ name: value, title }) => ({ value, label: title }))}
                value={name}
                onChange={(next) => navigate(`/make/${next}`)}
              />
              <IconButton
                label={isAdding ? 'Adding…' : 'Add a workflow'}
                data-hint-at="end"
                disabled={isAdding}
                onClick={chooseFile}
              >
                <Plus size={18} aria-hidden />
              </IconButton>
              <IconButton label="Start afresh" data-hint-at="end" onClick={() => use({})}>
                <RotateCcw size={17} aria-hidden />
              </IconButton>
            </div>
            {missing && missing.length > 0 && (
              <p className={styles.missing} role="status">
                No server can run this now. Missing: {missing.join(', ')}
              </p>
            )}
            <WorkflowForm
              workflow={workflow}
              chosen={chosen}
              onChoose={(parameter, value) => {
                choose(parameter, value);
                // What the gateway said was of another input.
                if (error) generate.reset();
              }}
              refused={refused}
              problem={error && !isAboutFields ? error.message : undefined}
              lastSeed={seedOf(workflow, shown)}
              isSending={generate.isPending}
              uploadState={uploads.state}
              onFiles={uploads.send}
              onSubmit={generate.mutate}
            >
              <AsCode small actions={[...actions, { name: 'Add a workflow', operation: addOperation }]} />
            </WorkflowForm>
          </section>
          <section className={styles.result} aria-label="Results">
            <Stage workflow={workflow} shown={shown} onShow={show} onUse={use} />
            <RecentJobs jobs={jobs} shownId={shown?.id} onShow={({ id }) => setShownId(id)} />
          </section>
        </div>
      )}
    </WorkflowDrop>
  );
}

function seedOf({ parameters }: Workflow, job: Job | null): number | undefined {
  const seed = parameters.find(({ type }) => type === 'SEED');
  const value = seed && job?.parameters[seed.name];
  return typeof value === 'number' ? value : undefined;
}
