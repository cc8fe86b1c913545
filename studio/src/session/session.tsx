import { type Comfy, createComfy } from '@comfygate/client';
import { QueryClientProvider } from '@tanstack/react-query';
import { createContext, type ReactNode, Suspense, useContext, useRef, useState } from 'react';
import { lazily } from '../parts/lazily.ts';
import { createQueryClient } from './query-client.ts';

const Login = lazily(() => import('./login.tsx'));

const KEY = 'comfygate-key';

interface Session {
  comfy: Comfy;
  /** Whether a key is used, and can be left. */
  hasKey: boolean;
  /** Asks for a key, also where one is used. */
  askForKey(): void;
  leave(): void;
}

const SessionContext = createContext<Session | null>(null);

function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('used outside of SessionProvider');
  return session;
}

/** The client of the gateway, as whoever uses the page. */
export const useComfy = (): Comfy => useSession().comfy;

/** For the page of the caller: whether there is a key, asking for another, and leaving. */
export function useLogin(): Omit<Session, 'comfy'> {
  return useSession();
}

/** What works with one key, or with none. */
function begin(key: string | null, onLocked: () => void) {
  const comfy = createComfy({
    url: '/',
    storage: sessionStorage,
    ...(key !== null && { token: key }),
  });
  return { key, comfy, queries: createQueryClient(onLocked) };
}

/**
 * Holds the key of whoever uses the page: for as long as the tab is open, or, where asked to, on this device. With
 * another key everything is asked for anew. Where the gateway wants one, it is asked for.
 */
export function SessionProvider({ children }: { children: ReactNode }) {
  /** `locked`: because the gateway wants one, or does not know the one that it got. */
  const [asking, setAsking] = useState<'asked' | 'locked' | null>(null);
  const isDismissed = useRef(false);
  const askForKey = () => setAsking('asked');
  // Whoever does not want to give one is not asked again by each page that asks the gateway something.
  const onLocked = () => isDismissed.current || setAsking('locked');
  const [{ key, comfy, queries }, setCurrent] = useState(() =>
    begin(sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY), onLocked),
  );

  function use(next: string | null) {
    void comfy.close();
    isDismissed.current = false;
    setCurrent(begin(next, onLocked));
  }
  function enter(given: string, remember: boolean) {
    sessionStorage.setItem(KEY, given);
    if (remember) localStorage.setItem(KEY, given);
    setAsking(null);
    use(given);
  }
  function leave() {
    sessionStorage.removeItem(KEY);
    localStorage.removeItem(KEY);
    use(null);
  }
  return (
    <SessionContext value={{ comfy, hasKey: key !== null, askForKey, leave }}>
      <QueryClientProvider client={queries}>{children}</QueryClientProvider>
      {asking !== null && (
        <Suspense>
          <Login
            refused={asking === 'locked' && key !== null}
            onEnter={enter}
            onClose={() => {
              isDismissed.current = true;
              setAsking(null);
            }}
          />
        </Suspense>
      )}
    </SessionContext>
  );
}
