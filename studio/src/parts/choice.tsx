import { Suspense, useState } from 'react';
import styles from './choice.module.css';
import { ChoiceFace, type ChoiceProps, choiceNames } from './choice-face.tsx';
import { useFieldControl } from './field.tsx';
import { ahead, lazily } from './lazily.ts';

const load = () => import('./choice-list.tsx');
const ChoiceList = lazily(load);

/** One of many, which are found by typing. The list is loaded when a pointer or the focus comes near. */
export function Choice(props: ChoiceProps) {
  const [wanted, setWanted] = useState(false);
  const names = choiceNames(props, useFieldControl());
  const closed = (
    <button
      type="button"
      {...names}
      role="combobox"
      aria-haspopup="dialog"
      aria-expanded={false}
      className={styles.trigger}
      onPointerEnter={ahead(load)}
      onFocus={ahead(load)}
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
