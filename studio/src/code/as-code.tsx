import { Tabs } from '@base-ui/react/tabs';
import { Code } from 'lucide-react';
import { useState } from 'react';
import { useLogin } from '../app/session.tsx';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Select } from '../parts/select.tsx';
import styles from './as-code.module.css';
import { type Operation, toCurl, toModule } from './operation.ts';
import { Snippet } from './snippet.tsx';

/** Something that can be done beside the button. */
export interface Action {
  /** As its button calls it. */
  name: string;
  /** Asked when it is shown, so that it is of the moment, with a new idempotency key. */
  operation(): Operation;
}

interface Props {
  /** One at least. */
  actions: readonly Action[];
  /** The icon alone, where there is little room. */
  small?: boolean;
}

/** A button that shows what can be done beside it as the calls that it makes, ready to paste. */
export function AsCode({ actions, small = false }: Props) {
  const [shown, setShown] = useState<{ name: string; operation: Operation } | null>(null);
  function show(name: string) {
    const action = actions.find((each) => each.name === name) ?? actions[0];
    if (action) setShown({ name: action.name, operation: action.operation() });
  }
  return (
    <>
      <Button kind="quiet" small={small} aria-label="As code" onClick={() => show(actions[0]?.name ?? '')}>
        <Code size={16} aria-hidden />
        {!small && 'As code'}
      </Button>
      <Dialog
        open={shown !== null}
        onClose={() => setShown(null)}
        title="As code"
        description="The call that this page makes, ready to paste."
        size="wide"
      >
        {shown && actions.length > 1 && (
          <div className={styles.action}>
            <Select
              label="Action"
              options={actions.map(({ name }) => ({ value: name, label: name }))}
              value={shown.name}
              onChange={show}
            />
          </div>
        )}
        {shown && <Forms operation={shown.operation} />}
      </Dialog>
    </>
  );
}

function Forms({ operation }: { operation: Operation }) {
  const { hasKey } = useLogin();
  const options = { url: `${location.origin}/graphql`, credentials: hasKey };
  const { query, variables, files } = operation;
  return (
    <Tabs.Root defaultValue="client">
      <Tabs.List className={styles.tabs} aria-label="Language">
        <Tabs.Tab className={styles.tab} value="client">
          JavaScript
        </Tabs.Tab>
        <Tabs.Tab className={styles.tab} value="graphql">
          GraphQL
        </Tabs.Tab>
        <Tabs.Tab className={styles.tab} value="curl">
          curl
        </Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel className={styles.panel} value="client">
        <Snippet label="JavaScript" text={toModule(operation, options)} />
      </Tabs.Panel>
      <Tabs.Panel className={styles.panel} value="graphql">
        <Snippet label="Operation" text={query} />
        <Snippet label="Variables" text={JSON.stringify(variables, undefined, 2)} />
        {files && (
          <p className={styles.note}>
            UPLOAD_1 and so on stand for the ids of files that are sent before, by createUpload and a PUT:{' '}
            {files.map(({ name }) => name).join(', ')}.
          </p>
        )}
      </Tabs.Panel>
      <Tabs.Panel className={styles.panel} value="curl">
        <Snippet label="curl" text={toCurl(operation, options)} />
        {files && <p className={styles.note}>Run it where the files are. It needs jq.</p>}
      </Tabs.Panel>
      {hasKey && <p className={styles.note}>COMFYGATE_KEY is your key, in the environment of where you run this.</p>}
    </Tabs.Root>
  );
}
