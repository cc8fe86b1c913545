import { Dialog } from '@base-ui/react/dialog';
import { Tabs } from '@base-ui/react/tabs';
import { Check, Code, Copy, X } from 'lucide-react';
import { useEffect, useId, useState } from 'react';
import styles from './as-code.module.css';
import { type Operation, toCurl, toModule } from './operation.ts';

export interface AsCodeProps {
  /** Asked when the dialog opens, so that it is of the moment, with a new idempotency key. */
  operation: () => Operation;
  /** Whether the page calls with a key. */
  credentials?: boolean;
  className?: string;
}

/** A button that shows the action beside it as the call that it is. */
export function AsCode({ operation, credentials = false, className = styles.open }: AsCodeProps) {
  const [shown, setShown] = useState<Operation>();
  return (
    <Dialog.Root onOpenChange={(open) => open && setShown(operation())}>
      <Dialog.Trigger className={className}>
        <Code size={16} aria-hidden="true" /> As code
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.popup}>
          <header className={styles.header}>
            <Dialog.Title className={styles.title}>As code</Dialog.Title>
            <Dialog.Close className={styles.close} aria-label="Close">
              <X size={18} aria-hidden="true" />
            </Dialog.Close>
          </header>
          <Dialog.Description className={styles.description}>
            The call that this page makes, ready to paste.
            {credentials && ' Set COMFYGATE_KEY to your key first.'}
          </Dialog.Description>
          {shown && <Forms operation={shown} credentials={credentials} />}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Forms({ operation, credentials }: { operation: Operation; credentials: boolean }) {
  const options = { url: `${location.origin}/graphql`, credentials };
  return (
    <Tabs.Root defaultValue="client">
      <Tabs.List className={styles.tabs} aria-label="Form">
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
        <Snippet text={toModule(operation, options)} />
      </Tabs.Panel>
      <Tabs.Panel className={styles.panel} value="graphql">
        <Snippet label="Operation" text={operation.query} />
        <Snippet label="Variables" text={JSON.stringify(operation.variables, undefined, 2)} />
        {operation.files && (
          <p className={styles.note}>
            {operation.files.map(({ name }) => name).join(', ')} is sent before, by createUpload and a PUT; its id takes
            the place of UPLOAD_1 and so on.
          </p>
        )}
      </Tabs.Panel>
      <Tabs.Panel className={styles.panel} value="curl">
        <Snippet text={toCurl(operation, options)} />
      </Tabs.Panel>
    </Tabs.Root>
  );
}

function Snippet({ text, label }: { text: string; label?: string }) {
  const [copied, setCopied] = useState<'yes' | 'no'>();
  const id = useId();
  useEffect(() => {
    const timer = copied && setTimeout(() => setCopied(undefined), 2_000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () =>
    // Absent where the page came over plain HTTP from another machine: the text can be selected there.
    (navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'))).then(
      () => setCopied('yes'),
      () => setCopied('no'),
    );
  return (
    <div className={styles.snippet}>
      <div className={styles.bar}>
        <span id={id}>{label ?? ''}</span>
        <button type="button" className={styles.copy} onClick={copy} aria-describedby={label && id}>
          {copied === 'yes' ? <Check size={14} aria-hidden="true" /> : <Copy size={14} aria-hidden="true" />}
          <span aria-live="polite">
            {copied === 'yes' ? 'Copied' : copied === 'no' ? 'Select the text and copy it' : 'Copy'}
          </span>
        </button>
      </div>
      {/* It scrolls, so the keyboard must reach it. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must take the focus */}
      <pre className={styles.code} tabIndex={0} aria-label={label ?? 'Code'} role="region">
        <code>{text}</code>
      </pre>
    </div>
  );
}
