import type { Workflow } from '@comfygate/client';
import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useEffect } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import { AsCode } from '../code/as-code.tsx';
import { Button } from '../parts/button.tsx';
import { Loading } from '../parts/loading.tsx';
import { Message } from '../parts/message.tsx';
import { codeOf } from '../session/query-client.ts';
import { useComfy } from '../session/session.tsx';
import { MakeWorkflow } from './make-workflow.tsx';
import { WorkflowDrop } from './workflow-drop.tsx';

/** Workflows are files that operators change while all runs. */
const LOOK_EVERY_MS = 4_000;

const LAST = 'comfygate-workflow';

/** A form for each workflow that the gateway has, and what they make. */
export default function MakePage() {
  const comfy = useComfy();
  const { workflow: name } = useParams<{ workflow?: string }>();
  const [, navigate] = useLocation();
  const { data: workflows, error } = useQuery({
    queryKey: ['workflows'],
    queryFn: comfy.workflows,
    // A key that is not known is not sent again and again.
    refetchInterval: ({ state }) => (codeOf(state.error) === 'UNAUTHENTICATED' ? false : LOOK_EVERY_MS),
  });

  const last = localStorage.getItem(LAST);
  const chosen = workflows?.find((workflow) => workflow.name === name);
  const first = workflows?.find((workflow) => workflow.name === last) ?? firstOf(workflows ?? []);
  useEffect(() => {
    if (chosen) localStorage.setItem(LAST, chosen.name);
    else if (name === undefined && first) navigate(`/make/${first.name}`, { replace: true });
  }, [name, chosen, first, navigate]);

  if (!workflows)
    return error ? (
      <Message title="The workflows cannot be read" detail={error.message} tone="bad" />
    ) : (
      <Loading label="Loading the workflows" />
    );
  if (chosen) return <MakeWorkflow key={chosen.name} workflow={chosen} workflows={workflows} />;
  if (name === undefined && first) return <Loading />;
  return (
    <WorkflowDrop onOther={() => false} onPasted={() => undefined}>
      {(choose, isAdding, asOperation) => (
        <Message
          title={name === undefined ? 'There are no workflows yet' : `There is no workflow “${name}” (any more)`}
          detail="Drop a workflow file of ComfyUI here, or a picture that it has made."
        >
          <Button onClick={choose} disabled={isAdding}>
            <Plus size={16} aria-hidden /> Add a workflow
          </Button>
          <AsCode actions={[{ name: 'Add a workflow', operation: asOperation }]} />
          {first && <Link href={`/make/${first.name}`}>Make something with “{first.title}”</Link>}
        </Message>
      )}
    </WorkflowDrop>
  );
}

/** What somebody makes who has nothing yet: a picture rather than anything else, of no file. */
function firstOf(workflows: readonly Workflow[]): Workflow | undefined {
  const ofNoFile = workflows.filter(({ parameters }) =>
    parameters.every(({ type, required }) => type !== 'FILE' || !required),
  );
  return ofNoFile.find(({ makes }) => makes.includes('IMAGE')) ?? ofNoFile[0] ?? workflows[0];
}
