import { useQuery } from '@tanstack/react-query';
import { ServerOff } from 'lucide-react';
import { AsCode } from '../code/as-code.tsx';
import { backends, workflows } from '../code/operations.ts';
import { useWorkflows } from '../jobs/use-workflows.ts';
import { Loading } from '../parts/loading.tsx';
import { Message } from '../parts/message.tsx';
import { PageTitle } from '../parts/page-title.tsx';
import { useComfy } from '../session/session.tsx';
import { Installation } from './installation.tsx';
import { Models } from './models.tsx';
import { Server } from './server.tsx';
import styles from './servers.module.css';

/** Workers report their servers about as often. */
const EVERY_MS = 4_000;

export default function ServersPage() {
  const comfy = useComfy();
  const servers = useQuery({ queryKey: ['backends'], queryFn: () => comfy.backends(), refetchInterval: EVERY_MS });
  const health = useQuery({ queryKey: ['health'], queryFn: () => comfy.health(), refetchInterval: EVERY_MS });
  const viewer = useQuery({ queryKey: ['viewer'], queryFn: () => comfy.viewer() });
  const { data: catalogue = [] } = useWorkflows();
  const mayOperate = viewer.data?.scopes.includes('admin') ?? false;
  return (
    <div className={styles.page}>
      <PageTitle
        actions={
          <AsCode
            actions={[
              { name: 'Servers', operation: backends },
              { name: 'Workflows', operation: workflows },
            ]}
          />
        }
      >
        Servers
      </PageTitle>
      {health.data && <Installation health={health.data} />}
      {servers.error && !servers.data ? (
        <Message title="The servers cannot be read" tone="bad" detail={servers.error.message} />
      ) : servers.isPending ? (
        <Loading />
      ) : servers.data?.length === 0 ? (
        <Message
          title="No ComfyUI server is known"
          detail="A worker reports the servers of COMFYUI_URLS when it has started."
          icon={<ServerOff size={32} strokeWidth={1.5} aria-hidden />}
        />
      ) : (
        <ul className={styles.servers}>
          {servers.data?.map((server) => (
            <Server key={server.name} server={server} workflows={catalogue} mayOperate={mayOperate} />
          ))}
        </ul>
      )}
      <Models workflows={catalogue} />
    </div>
  );
}
