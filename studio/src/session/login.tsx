import { useState } from 'react';
import { Button } from '../parts/button.tsx';
import { Checkbox } from '../parts/checkbox.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Field, Input } from '../parts/field.tsx';
import styles from './login.module.css';

interface Props {
  /** Whether a key was sent, and is not known. */
  refused: boolean;
  onEnter(key: string, remember: boolean): void;
  onClose(): void;
}

/** Asks for an API key or a token. */
export default function LoginDialog({ refused, onEnter, onClose }: Props) {
  const [remember, setRemember] = useState(false);
  return (
    <Dialog
      open
      onClose={onClose}
      title="Who is there?"
      description="This gateway works for those who have a key. Its operator gives you one."
    >
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          const key = new FormData(event.currentTarget).get('key');
          if (typeof key === 'string' && key.trim() !== '') onEnter(key.trim(), remember);
        }}
      >
        <Field label="API key" error={refused ? 'The key that was used last is not known, or has ended.' : undefined}>
          <Input name="key" type="password" autoComplete="current-password" spellCheck={false} required />
        </Field>
        <Checkbox checked={remember} onChange={setRemember}>
          Remember it on this device
        </Checkbox>
        <div className={styles.actions}>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" kind="primary">
            Go on
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
