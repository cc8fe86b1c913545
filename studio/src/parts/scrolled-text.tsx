import type { ReactNode } from 'react';

/** Text that scrolls in its place, also by the keyboard. */
export function ScrolledText({ className, children }: { className: string | undefined; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: Safari gives what scrolls no focus, so no key would scroll it.
    <pre className={className} tabIndex={0}>
      {children}
    </pre>
  );
}
