import { useEffect, useRef, useState } from 'react';
import { useTell } from '../parts/toasts.tsx';
import { useComfy } from '../session/session.tsx';
import { type Saved, saveFiles } from './save.ts';

/** Saves results on the device for as long as what asks for it is shown. What did not work is said. */
export function useSave() {
  const comfy = useComfy();
  const tell = useTell();
  const [isSaving, setSaving] = useState(false);
  const left = useRef<AbortController>(null);
  useEffect(() => {
    left.current = new AbortController();
    return () => left.current?.abort();
  }, []);

  async function save(files: readonly Saved[]) {
    const signal = left.current?.signal;
    if (!signal) return;
    setSaving(true);
    try {
      await saveFiles(comfy, files, signal);
    } catch (error) {
      const description = error instanceof Error ? error.message : String(error);
      if (!signal.aborted) tell('That was not saved', { description, bad: true });
    } finally {
      setSaving(false);
    }
  }
  return { save, isSaving };
}
