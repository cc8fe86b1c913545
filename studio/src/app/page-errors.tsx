import { Component, type ReactNode } from 'react';
import { Button } from '../parts/button.tsx';
import { Message } from '../parts/message.tsx';

/** Shows that a page is broken in place of it; the others can still be opened. */
export class PageErrors extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Message title="This page has stopped" tone="bad" detail={error.message}>
        <Button onClick={() => window.location.reload()}>Load it again</Button>
      </Message>
    );
  }
}
