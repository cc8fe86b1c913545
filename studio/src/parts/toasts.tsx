import { X } from 'lucide-react';
import { createContext, type ReactNode, useContext, useState } from 'react';
import { IconButton } from './button.tsx';
import styles from './toasts.module.css';

/** Says what has happened, for some seconds. `bad`: something did not work, which stays for longer. */
export type Tell = (title: string, more?: { description?: string; bad?: boolean }) => void;

interface Toast {
  id: number;
  title: string;
  description: string | undefined;
  bad: boolean;
}

const MAX_SHOWN = 4;
const SHOWN_MS = { good: 5_000, bad: 12_000 };

const ToastContext = createContext<Tell>(() => undefined);

export const useTell = (): Tell => useContext(ToastContext);

/** Shows what is told at the edge of the page. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const close = (id: number) => setToasts((shown) => shown.filter((toast) => toast.id !== id));
  const [tell] = useState(() => {
    let last = 0;
    const show: Tell = (title, { description, bad = false } = {}) => {
      const id = ++last;
      setToasts((shown) => [...shown.slice(1 - MAX_SHOWN), { id, title, description, bad }]);
      setTimeout(() => close(id), SHOWN_MS[bad ? 'bad' : 'good']);
    };
    return show;
  });
  return (
    <ToastContext value={tell}>
      {children}
      <section className={styles.viewport} aria-label="Messages" aria-live="polite">
        {toasts.map(({ id, title, description, bad }) => (
          <div key={id} className={styles.toast} data-bad={bad || undefined}>
            <div className={styles.text}>
              <p className={styles.title}>{title}</p>
              {description !== undefined && <p className={styles.description}>{description}</p>}
            </div>
            <IconButton label="Close" data-hint-at="end" small onClick={() => close(id)}>
              <X size={16} aria-hidden />
            </IconButton>
          </div>
        ))}
      </section>
    </ToastContext>
  );
}
