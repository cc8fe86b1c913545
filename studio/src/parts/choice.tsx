import { lazy, Suspense, useState } from 'react';
import styles from './choice.module.css';
import { ChoiceFace, type ChoiceProps } from './choice-face.tsx';
import { useFieldControl } from './field.tsx';

const load = () => import('./choice-list.tsx');
const ChoiceList = lazy(load);

/** One of many, which are found by typing. The list is loaded when a pointer or the focus comes near. */
export function Choice(props: ChoiceProps) {
  const [wanted, setWanted] = useState(false);
  const { id, ...control } = useFieldControl();
  const closed = (
    <button
      type="button"
      aria-label={props.label}
      {...control}
      {...(id !== undefined && { id, 'aria-labelledby': `${id}-label ${id}` })}
      aria-haspopup="listbox"
      aria-expanded={false}
      className={styles.trigger}
      onPointerEnter={load}
      onFocus={load}
      onClick={() => setWanted(true)}
    >
      <ChoiceFace {...props} />
    </button>
  );
  if (!wanted) return closed;
  return (
    <Suspense fallback={closed}>
      <ChoiceList {...props} />
    </Suspense>
  );
}
