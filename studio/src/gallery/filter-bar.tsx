import { X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useWorkflows } from '../jobs/use-workflows.ts';
import { titleOf } from '../jobs/words.ts';
import { Button } from '../parts/button.tsx';
import { Choice } from '../parts/choice.tsx';
import { Field, Input } from '../parts/field.tsx';
import { type GalleryFilter, STATUSES, toSearch } from './filter.ts';
import styles from './filter-bar.module.css';

const NAMES = {
  SUCCEEDED: 'Done',
  RUNNING: 'Running',
  QUEUED: 'Waiting',
  FAILED: 'Failed',
  CANCELED: 'Canceled',
  ALL: 'All',
};
const ANY = '*';

/** How long somebody pauses who has typed a tag, in milliseconds. */
const TYPED_MS = 400;

interface Props {
  filter: GalleryFilter;
  onChange(filter: GalleryFilter): void;
}

export function FilterBar({ filter, onChange }: Props) {
  const { data: workflows = [] } = useWorkflows();
  const { workflow, status, day, tag } = filter;
  const names = new Set([...workflows.map(({ name }) => name), 'custom', ...(workflow ? [workflow] : [])]);
  const options = [...names].map((name) => ({
    value: name,
    label: workflows.find((each) => each.name === name)?.title ?? titleOf(name),
  }));
  const without = (field: keyof GalleryFilter) => ({ ...filter, [field]: undefined }) as GalleryFilter;
  return (
    <search className={styles.bar} aria-label="Filter">
      <Field label="Workflow" className={styles.wide}>
        <Choice
          options={[{ value: ANY, label: 'All workflows' }, ...options]}
          value={workflow ?? ANY}
          onChange={(name) => onChange(name === ANY ? without('workflow') : { ...filter, workflow: name })}
        />
      </Field>
      <Field label="Status">
        <Choice
          options={[...STATUSES, 'ALL' as const].map((value) => ({ value, label: NAMES[value] }))}
          value={status ?? 'SUCCEEDED'}
          onChange={(next) => onChange({ ...filter, status: next as NonNullable<GalleryFilter['status']> })}
        />
      </Field>
      <Field label="Day">
        <Input
          type="date"
          value={day ?? ''}
          onChange={({ currentTarget: { value } }) => onChange(value ? { ...filter, day: value } : without('day'))}
        />
      </Field>
      <TagField tag={tag ?? ''} onChange={(next) => onChange(next ? { ...filter, tag: next } : without('tag'))} />
      {toSearch(filter) !== '' && (
        <Button kind="quiet" className={styles.reset} onClick={() => onChange({})}>
          <X size={16} aria-hidden />
          Clear
        </Button>
      )}
    </search>
  );
}

/** Looks for a tag when it was typed, not with each letter. */
function TagField({ tag, onChange }: { tag: string; onChange(tag: string): void }) {
  const [typed, setTyped] = useState(tag);
  const [shown, setShown] = useState(tag);
  // The address was changed by something else, such as *Clear*.
  if (shown !== tag) {
    setShown(tag);
    if (typed.trim() !== tag) setTyped(tag);
  }
  useEffect(() => {
    if (typed.trim() === tag) return;
    const timer = setTimeout(() => onChange(typed.trim()), TYPED_MS);
    return () => clearTimeout(timer);
  });
  return (
    <Field label="Tag">
      <Input
        value={typed}
        maxLength={64}
        placeholder="any"
        spellCheck={false}
        onChange={({ currentTarget: { value } }) => setTyped(value)}
      />
    </Field>
  );
}
