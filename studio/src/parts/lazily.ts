import { type ComponentType, lazy } from 'react';

/** When the page has loaded itself again for a part that was missing, in milliseconds since 1970. */
const LOADED_AGAIN = 'comfygate-loaded-again';
const ASK_EVERY_MS = 1_000;
/** A part that is missing so soon again is missing for good. */
const ONCE_IN_MS = 30_000;

type Load<Props> = () => Promise<{ default: ComponentType<Props> }>;

/**
 * As React's `lazy`. Where a part cannot be loaded, the gateway is away, or has another version of the studio by now:
 * the page loads itself again once the gateway answers, with what its address and this tab remember.
 */
export function lazily<Props>(load: Load<Props>) {
  return lazy(() => load().catch(loadAgain));
}

/** Loads a part ahead of time. Where that fails, it is told when the part is needed. */
export const ahead = (load: Load<never>) => () => void load().catch(() => undefined);

async function loadAgain(fault: unknown): Promise<never> {
  if (Date.now() - Number(sessionStorage.getItem(LOADED_AGAIN)) < ONCE_IN_MS) throw fault;
  while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  sessionStorage.setItem(LOADED_AGAIN, String(Date.now()));
  window.location.reload();
  return new Promise(() => undefined);
}

const answers = () =>
  fetch('/', { cache: 'no-store', headers: { accept: 'text/html' } }).then(
    ({ ok }) => ok,
    () => false,
  );
