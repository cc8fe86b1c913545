import { useQuery } from '@tanstack/react-query';
import { KeyRound, LogOut } from 'lucide-react';
import type { ReactNode } from 'react';
import { AsCode } from '../code/as-code.tsx';
import { viewer as askViewer, installation } from '../code/operations.ts';
import { duration, fileSize } from '../jobs/words.ts';
import { Button } from '../parts/button.tsx';
import { Loading } from '../parts/loading.tsx';
import { Message } from '../parts/message.tsx';
import { PageTitle } from '../parts/page-title.tsx';
import { useComfy, useLogin } from '../session/session.tsx';
import styles from './account.module.css';
import { PlanLimits } from './plan-limits.tsx';
import { describeScope } from './scopes.ts';

/** What is left changes while others use the same plan. */
const EVERY_MS = 10_000;

export default function AccountPage() {
  const comfy = useComfy();
  const { hasKey, askForKey, leave } = useLogin();
  const viewer = useQuery({ queryKey: ['viewer'], queryFn: () => comfy.viewer(), refetchInterval: EVERY_MS });
  const limits = useQuery({ queryKey: ['limits'], queryFn: () => comfy.limits() });
  return (
    <div className={styles.page}>
      <PageTitle
        actions={
          <AsCode
            actions={[
              { name: 'Who calls', operation: askViewer },
              { name: 'Limits of the installation', operation: installation },
            ]}
          />
        }
      >
        Account
      </PageTitle>
      <Card title="Key">
        {hasKey ? (
          <>
            <p>This page calls with a key, which is kept in this browser alone.</p>
            <div className={styles.actions}>
              <Button onClick={askForKey}>
                <KeyRound size={16} aria-hidden />
                Use another
              </Button>
              <Button kind="danger" onClick={leave}>
                <LogOut size={16} aria-hidden />
                Forget it
              </Button>
            </div>
          </>
        ) : (
          <>
            <p>This page calls without a key.</p>
            <div className={styles.actions}>
              <Button onClick={askForKey}>
                <KeyRound size={16} aria-hidden />
                Use a key
              </Button>
            </div>
          </>
        )}
      </Card>
      {viewer.isPending && <Loading />}
      {viewer.error && !viewer.data && (
        <Message title="Who you are cannot be read" tone="bad" detail={viewer.error.message} />
      )}
      {viewer.data && (
        <>
          <Card title="Caller">
            <dl className={styles.facts}>
              <Fact name="Name">{viewer.data.name}</Fact>
              <Fact name="Id">{viewer.data.id}</Fact>
              <Fact name="Plan">{viewer.data.plan ?? 'none: nothing is limited by a plan'}</Fact>
            </dl>
          </Card>
          <Card title="What you may do">
            <ul className={styles.scopes}>
              {viewer.data.scopes.map((scope) => (
                <li key={scope}>
                  <code>{scope}</code> {describeScope(scope)}
                </li>
              ))}
            </ul>
          </Card>
          {viewer.data.limits.length > 0 && (
            <Card title="What is left">
              <PlanLimits limits={viewer.data.limits} />
            </Card>
          )}
        </>
      )}
      {limits.data && (
        <Card title="Limits of the installation">
          <dl className={styles.facts}>
            <Fact name="Largest input file">{fileSize(limits.data.maxUploadBytes)}</Fact>
            <Fact name="Largest picture">{`${limits.data.maxMegapixels} megapixels`}</Fact>
            <Fact name="Latest deadline">{duration(limits.data.maxDeadlineSeconds * 1_000)}</Fact>
            <Fact name="Longest wait for an answer">{duration(limits.data.maxWaitSeconds * 1_000)}</Fact>
            <Fact name="Tags of a job">{String(limits.data.maxTags)}</Fact>
          </dl>
        </Card>
      )}
    </div>
  );
}

function Card({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles.card} aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Fact({ name, children }: { name: string; children: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
