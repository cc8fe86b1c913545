import { useState } from 'react';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Field, Input } from '../parts/field.tsx';
import styles from './twin-dialog.module.css';

interface Props {
  name: string;
  replace(): void;
  rename(name: string): void;
  leave(): void;
}

/** Asks what to do with a workflow whose name another one has. */
export default function TwinDialog({ name, replace, rename, leave }: Props) {
  const [other, setOther] = useState(`${name}2`);
  const isName = /^[A-Za-z]\w{0,63}$/.test(other) && other !== name;
  return (
    <Dialog open onClose={leave} title={`There is a workflow “${name}”`} description="Replace it, or keep both.">
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (isName) rename(other);
        }}
      >
        <Field label="Name of the new one" error={isName ? undefined : 'Another name: letters, digits and _.'}>
          <Input value={other} onChange={({ target }) => setOther(target.value)} spellCheck={false} />
        </Field>
        <div className={styles.actions}>
          <Button kind="danger" onClick={replace}>
            Replace
          </Button>
          <Button type="submit" kind="primary" disabled={!isName}>
            Keep both
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
