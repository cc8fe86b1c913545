import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from '../parts/button.tsx';
import { ScrolledText } from '../parts/scrolled-text.tsx';
import styles from './as-code.module.css';

const COPIED_MS = 2_000;

/** A text to be copied. */
export function Snippet({ label, text }: { label: string; text: string }) {
  const [state, setState] = useState<'idle' | 'copied' | 'refused'>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => setState('idle'), COPIED_MS);
    return () => clearTimeout(timer);
  }, [state]);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setState('copied');
    } catch {
      // Browsers keep the clipboard from pages that came over plain HTTP from another machine.
      setState('refused');
    }
  }
  return (
    <figure className={styles.snippet}>
      <figcaption className={styles.bar}>
        {label}
        <Button kind="quiet" small onClick={copy}>
          {state === 'copied' ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
          <span role="status">{{ idle: 'Copy', copied: 'Copied', refused: 'Mark it and copy' }[state]}</span>
        </Button>
      </figcaption>
      <ScrolledText className={styles.code}>
        <code>{text}</code>
      </ScrolledText>
    </figure>
  );
}
