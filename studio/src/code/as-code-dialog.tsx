import { Tabs } from '@base-ui/react/tabs';
import { useState } from 'react';
import { Choice } from '../parts/choice.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { useLogin } from '../session/session.tsx';
import styles from './as-code.module.css';
import { type Action, type Operation, toCurl, toModule } from './operation.ts';
import { Snippet } from './snippet.tsx';

const FORMS = [
  { value: 'client', name: 'JavaScript' },
  { value: 'graphql', name: 'GraphQL' },
  { value: 'curl', name: 'curl' },
];

export default function AsCodeDialog({ actions, onClose }: { actions: readonly Action[]; onClose(): void }) {
  const make = (name: string | undefined) => {
    const action = actions.find((each) => each.name === name) ?? actions[0];
    return action && { name: action.name, operation: action.operation() };
  };
  const [shown, setShown] = useState(() => make(undefined));
  return (
    <Dialog open onClose={onClose} title="As code" description="The call of this page, ready to paste." size="wide">
      {shown && actions.length > 1 && (
        <div className={styles.action}>
          <Choice
            label="Action"
            options={actions.map(({ name }) => ({ value: name, label: name }))}
            value={shown.name}
            onChange={(name) => setShown(make(name))}
          />
        </div>
      )}
      {shown && <Forms operation={shown.operation} />}
    </Dialog>
  );
}

function Forms({ operation }: { operation: Operation }) {
  const { hasKey } = useLogin();
  const options = { url: `${location.origin}/graphql`, credentials: hasKey };
  const { query, variables, files, puts, graph, ids } = operation;
  const shown = ids ? ids.map((id) => ({ ...variables, id })) : variables;
  const needsJq = files || puts || graph !== undefined;
  return (
    <Tabs.Root defaultValue="client">
      <Tabs.List className={styles.tabs} aria-label="Language">
        {FORMS.map(({ value, name }) => (
          <Tabs.Tab key={value} className={styles.tab} value={value}>
            {name}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel className={styles.panel} value="client">
        <Snippet label="JavaScript" text={toModule(operation, options)} />
      </Tabs.Panel>
      <Tabs.Panel className={styles.panel} value="graphql">
        <Snippet label="Operation" text={query} />
        <Snippet label="Variables" text={JSON.stringify(shown, undefined, 2)} />
        {files && (
          <p className={styles.note}>
            UPLOAD_1 and so on stand for the ids of files that are sent before, by createUpload and a PUT:{' '}
            {files.map(({ name }) => name).join(', ')}.
          </p>
        )}
        {graph !== undefined && <p className={styles.note}>GRAPH stands for the JSON of {graph}.</p>}
        {puts && <p className={styles.note}>Then the file is put to the address that comes back, with its headers.</p>}
        {ids && <p className={styles.note}>Called once with each of these.</p>}
      </Tabs.Panel>
      <Tabs.Panel className={styles.panel} value="curl">
        <Snippet label="curl" text={toCurl(operation, options)} />
        {needsJq && <p className={styles.note}>Run it where the files are. It needs jq.</p>}
      </Tabs.Panel>
      {hasKey && <p className={styles.note}>COMFYGATE_KEY is your key, in the environment of where you run this.</p>}
    </Tabs.Root>
  );
}
