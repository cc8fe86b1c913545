import { type Comfy, createComfy } from '@comfygate/client';
import { QueryClientProvider } from '@tanstack/react-query';
import { createContext, lazy, type ReactNode, Suspense, useContext, useState } from 'react';
import { createQueryClient } from './query-client.ts';

const Login = lazy(() => import('./login.tsx'));

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
  const [asking, setAsking] = useState(false);
  const askForKey = () => setAsking(true);
  const [{ key, comfy, queries }, setCurrent] = useState(() =>
    begin(sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY), askForKey),
  );

  function use(next: string | null) {
    void comfy.close();
    setCurrent(begin(next, askForKey));
  }
  function enter(given: string, remember: boolean) {
    sessionStorage.setItem(KEY, given);
    if (remember) localStorage.setItem(KEY, given);
    setAsking(false);
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
      {asking && (
        <Suspense>
          <Login refused={key !== null} onEnter={enter} onClose={() => setAsking(false)} />
        </Suspense>
      )}
    </SessionContext>
  );
}
