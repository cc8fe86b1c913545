import type { Backend, Workflow } from '@comfygate/client';
import { useQueryClient } from '@tanstack/react-query';
import { CirclePause, CirclePlay } from 'lucide-react';
import { useState } from 'react';
import { AsCode } from '../code/as-code.tsx';
import { drain, resume } from '../code/operations.ts';
import { duration } from '../jobs/words.ts';
import { Button } from '../parts/button.tsx';
import { useTell } from '../parts/toasts.tsx';
import { useComfy } from '../session/session.tsx';
import styles from './servers.module.css';
import { Status } from './status.tsx';

const NAMES = { UP: 'Up', DOWN: 'Down', DRAINING: 'Draining' };
const TONES = { UP: 'good', DOWN: 'bad', DRAINING: 'warn' } as const;

interface Props {
  server: Backend;
  workflows: readonly Workflow[];
  /** Whether it may be drained. */
  mayOperate: boolean;
}

/** A ComfyUI server: how it stands, and what it lacks. */
export function Server({ server, workflows, mayOperate }: Props) {
  const { name, status, running, queued, comfyuiVersion, devices, message } = server;
  const lacking = workflows.flatMap(({ title, backends }) => {
    const missing = backends.find(({ backend }) => backend === name)?.missing ?? [];
    return missing.length > 0 ? [{ title, missing }] : [];
  });
  const able = workflows.filter(({ backends }) => backends.some((each) => each.backend === name && each.canRun));
  return (
    <li className={styles.server} aria-label={name}>
      <div className={styles.head}>
        <h2 className={styles.name}>{name}</h2>
        <Status tone={TONES[status]}>{NAMES[status]}</Status>
      </div>
      {message !== null && <p className={styles.message}>{message}</p>}
      <dl className={styles.facts}>
        <Fact name="Load">{loadOf(running, queued)}</Fact>
        {devices.length > 0 && <Fact name="Devices">{devices.join(', ')}</Fact>}
        {comfyuiVersion !== null && <Fact name="ComfyUI">{comfyuiVersion}</Fact>}
        {status === 'DOWN' && <Fact name="Last seen">{ago(server.lastSeenAt)}</Fact>}
        <Fact name="Runs">
          {able.length > 0 ? able.map(({ title }) => title).join(', ') : 'no workflow that is known'}
        </Fact>
      </dl>
      {lacking.length > 0 && (
        <details className={styles.lacking}>
          <summary>
            Lacks something for {lacking.length} {lacking.length === 1 ? 'workflow' : 'workflows'}
          </summary>
          <ul>
            {lacking.map(({ title, missing }) => (
              <li key={title}>
                <strong>{title}</strong>
                {missing.map((each) => (
                  <span key={each}>{each}</span>
                ))}
              </li>
            ))}
          </ul>
        </details>
      )}
      {mayOperate && <Operate server={server} />}
    </li>
  );
}

function Operate({ server: { name, status } }: { server: Backend }) {
  const comfy = useComfy();
  const queries = useQueryClient();
  const tell = useTell();
  const [isBusy, setBusy] = useState(false);
  const isDraining = status === 'DRAINING';
  const operation = () => (isDraining ? resume(name) : drain(name));
  async function act() {
    setBusy(true);
    try {
      const { query, variables } = operation();
      await comfy.query(query, variables);
      tell(isDraining ? `${name} gets work again` : `${name} gets no new work`, {
        ...(!isDraining && { description: 'What runs there finishes.' }),
      });
    } catch (error) {
      tell('It did not work', { description: error instanceof Error ? error.message : String(error), bad: true });
    }
    await queries.invalidateQueries({ queryKey: ['backends'] });
    setBusy(false);
  }
  return (
    <div className={styles.actions}>
      <Button small disabled={isBusy} onClick={act}>
        {isDraining ? <CirclePlay size={16} aria-hidden /> : <CirclePause size={16} aria-hidden />}
        {isDraining ? 'Resume' : 'Drain'}
      </Button>
      <AsCode small actions={[{ name: isDraining ? 'Resume' : 'Drain', operation }]} />
    </div>
  );
}

function loadOf(running: number, queued: number): string {
  if (running === 0 && queued === 0) return 'idle';
  return `${running} running, ${queued} waiting there`;
}

function ago(instant: string): string {
  const ms = Date.now() - Date.parse(instant);
  return Date.parse(instant) < 86_400_000 ? 'never' : `${duration(Math.max(1_000, ms))} ago`;
}

function Fact({ name, children }: { name: string; children: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
