import { type ComponentType, Suspense } from 'react';
import { Link, Redirect, Route, Switch, useLocation } from 'wouter';
import { lazily } from '../parts/lazily.ts';
import { Loading } from '../parts/loading.tsx';
import { Message } from '../parts/message.tsx';
import { ToastProvider } from '../parts/toasts.tsx';
import { useLiveJobs } from '../session/live-jobs.ts';
import { SessionProvider } from '../session/session.tsx';
import styles from './app.module.css';
import { ConnectionBanner } from './connection-banner.tsx';
import { Navigation } from './navigation.tsx';
import { PageErrors } from './page-errors.tsx';

/** Each page with what it needs is loaded when it is first opened. */
const PAGES: readonly [path: string, page: ComponentType][] = [
  ['/make/:workflow?', lazily(() => import('../make/index.tsx'))],
  ['/now', lazily(() => import('../now/index.tsx'))],
  ['/gallery/:id?', lazily(() => import('../gallery/index.tsx'))],
  ['/servers', lazily(() => import('../servers/index.tsx'))],
  ['/account', lazily(() => import('../account/index.tsx'))],
];

export function App() {
  return (
    <ToastProvider>
      <SessionProvider>
        <Shell />
      </SessionProvider>
    </ToastProvider>
  );
}

/** Not by a link: what stands behind the `#` of an address is a recipe. */
const skip = () => document.getElementById('main')?.focus();

function Shell() {
  useLiveJobs();
  const [location] = useLocation();
  return (
    <div className={styles.shell}>
      <button type="button" className={styles.skip} onClick={skip}>
        Skip to the page
      </button>
      <Navigation />
      <ConnectionBanner />
      <main id="main" tabIndex={-1} className={styles.main}>
        <PageErrors key={location.split('/')[1]}>
          <Suspense fallback={<Loading />}>
            <Switch>
              <Route path="/">
                <Redirect to="/make" replace />
              </Route>
              {PAGES.map(([path, Page]) => (
                <Route key={path} path={path}>
                  <Page />
                </Route>
              ))}
              <Route>
                <Message title="There is no such page">
                  <Link href="/make">Make something instead.</Link>
                </Message>
              </Route>
            </Switch>
          </Suspense>
        </PageErrors>
      </main>
    </div>
  );
}
