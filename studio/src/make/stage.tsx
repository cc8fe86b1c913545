import type { Job, Workflow } from '@comfygate/client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { CircleStop, Download, Image, Maximize2, RotateCcw, SlidersHorizontal } from 'lucide-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { AsCode } from '../code/as-code.tsx';
import * as operations from '../code/operations.ts';
import { Failure } from '../jobs/failure.tsx';
import { useJobOperations } from '../jobs/use-job-actions.ts';
import { useSave } from '../jobs/use-save.ts';
import { duration, stateInWords } from '../jobs/words.ts';
import { Button } from '../parts/button.tsx';
import { Message } from '../parts/message.tsx';
import { Progress } from '../parts/progress.tsx';
import { useTell } from '../parts/toasts.tsx';
import type { Recipe } from '../session/recipe.ts';
import { useComfy } from '../session/session.tsx';
import { hasEnded, useWatchedJob } from '../session/watch-job.ts';
import { ArtifactView } from './artifact-view.tsx';
import styles from './stage.module.css';

interface Props {
  workflow: Workflow;
  /** The job that is shown, as far as it is known; null where there is none. */
  shown: Job | null;
  onShow(job: Job): void;
  onUse(recipe: Recipe): void;
}

const MAX_COLUMNS = 4;
const MAX_ROWS = 3;

/** The job that is looked at: its progress, then what it made. */
export function Stage({ workflow, shown, onShow, onUse }: Props) {
  // One that has ended stays as it is.
  const { job, preview } = useWatchedJob(shown && !hasEnded(shown) ? shown.id : null, shown ?? undefined);
  if (!job)
    return (
      <div className={styles.stage} data-empty>
        <Message
          icon={<Image size={40} strokeWidth={1.25} aria-hidden />}
          title="What you make appears here"
          detail={workflow.description ?? undefined}
        />
      </div>
    );
  const results = job.artifacts;
  const columns = Math.min(MAX_COLUMNS, Math.max(1, Math.ceil(Math.sqrt(results.length))));
  const rows = Math.min(MAX_ROWS, Math.max(1, Math.ceil(results.length / columns)));
  return (
    <section className={styles.stage} aria-label="Result">
      <div className={styles.view}>
        <div className={styles.results} style={{ '--columns': columns, '--rows': rows }}>
          {results.length > 0
            ? results.map((artifact) => <ArtifactView key={artifact.id} job={job} artifact={artifact} />)
            : !hasEnded(job) && <UnderWay job={job} preview={preview} />}
          {job.error && <Failure error={job.error} />}
          {job.status === 'CANCELED' && results.length === 0 && <Message title="This one was canceled" />}
        </div>
      </div>
      <Bar job={job} onShow={onShow} onUse={onUse} />
    </section>
  );
}

function UnderWay({ job, preview }: { job: Job; preview: string | null }) {
  const { width, height } = job.parameters;
  const hasSize = typeof width === 'number' && typeof height === 'number';
  return (
    <div className={styles.frame} style={hasSize ? { '--width': width, '--height': height } : undefined}>
      {preview !== null && <img src={preview} alt="The work under way" className={styles.preview} />}
    </div>
  );
}

function Bar({ job, onShow, onUse }: { job: Job } & Pick<Props, 'onShow' | 'onUse'>) {
  const comfy = useComfy();
  const queries = useQueryClient();
  const tell = useTell();
  const onError = ({ message }: Error) => tell('That did not work', { description: message, bad: true });
  const cancel = useMutation({ mutationFn: () => comfy.cancel(job.id), onError });
  const { save, isSaving } = useSave();
  const again = useMutation({
    mutationFn: () => comfy.retry(job.id),
    onError,
    onSuccess(next) {
      onShow(next);
      void queries.invalidateQueries({ queryKey: ['jobs'] });
    },
  });
  const isOver = hasEnded(job);
  const files = job.artifacts.map((artifact) => ({ job, artifact }));
  const took = job.startedAt && job.finishedAt && Date.parse(job.finishedAt) - Date.parse(job.startedAt);
  const calls = useJobOperations();
  return (
    <div className={styles.bar}>
      <div className={styles.state}>
        <p role="status" className={styles.words}>
          {stateInWords(job)}
          {isOver && took && <span className={styles.took}> in {duration(took)}</span>}
        </p>
        {!isOver && <Progress label="Progress" fraction={job.status === 'QUEUED' ? null : job.progress.fraction} />}
      </div>
      {!isOver && (
        <Action Icon={CircleStop} name="Cancel" disabled={cancel.isPending} onClick={() => cancel.mutate()} />
      )}
      {isOver && (
        <>
          <Action
            Icon={SlidersHorizontal}
            name="Use settings"
            onClick={() => {
              onUse(job.parameters);
              tell('The form is as for this one');
            }}
          />
          <Action Icon={RotateCcw} name="Again" disabled={again.isPending} onClick={() => again.mutate()} />
        </>
      )}
      {job.artifacts.length > 0 && (
        <>
          <Action Icon={Download} name="Download" disabled={isSaving} onClick={() => save(files)} />
          <Link href={`/gallery/${job.id}`} className={styles.open} aria-label="Open in the gallery">
            <Maximize2 size={16} aria-hidden />
          </Link>
        </>
      )}
      <AsCode
        small
        actions={[
          { name: 'Watch', operation: () => operations.watch(job.id) },
          isOver
            ? { name: 'Again', operation: () => calls.again(job) }
            : { name: 'Cancel', operation: () => calls.cancel(job) },
          ...(job.artifacts.length > 0 ? [{ name: 'Download', operation: () => operations.download(job.id) }] : []),
        ]}
      />
    </div>
  );
}

interface ActionProps {
  Icon: typeof Download;
  name: string;
  disabled?: boolean;
  onClick(): void;
  children?: ReactNode;
}

function Action({ Icon, name, ...rest }: ActionProps) {
  return (
    <Button small className={styles.action} {...rest}>
      <Icon size={16} aria-hidden />
      <span>{name}</span>
    </Button>
  );
}
