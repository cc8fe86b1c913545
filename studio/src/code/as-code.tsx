import { Code } from 'lucide-react';
import { Suspense, useState } from 'react';
import { Button, IconButton } from '../parts/button.tsx';
import { ahead, lazily } from '../parts/lazily.ts';
import type { Action } from './operation.ts';

const load = () => import('./as-code-dialog.tsx');
const AsCodeDialog = lazily(load);

interface Props {
  /** What the page does here; one at least. */
  actions: readonly Action[];
  /** The icon alone, where there is little room. */
  small?: boolean;
}

/** A button that shows what can be done beside it as the calls that it makes, ready to paste. */
export function AsCode({ actions, small = false }: Props) {
  const [isOpen, setOpen] = useState(false);
  const open = { onClick: () => setOpen(true), onPointerEnter: ahead(load), onFocus: ahead(load) };
  return (
    <>
      {small ? (
        <IconButton label="As code" data-hint-at="above end" small {...open}>
          <Code size={16} aria-hidden />
        </IconButton>
      ) : (
        <Button kind="quiet" {...open}>
          <Code size={16} aria-hidden />
          As code
        </Button>
      )}
      {isOpen && (
        <Suspense>
          <AsCodeDialog actions={actions} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
