import { setImmediate } from 'node:timers/promises';
import type { ReactNode } from 'react';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';
import { onTestFinished, vi } from 'vitest';

/** As much of a browser's elements as React DOM asks for. Events are not dispatched: tests call what they would. */
class SmallNode {
  parentNode: SmallNode | null = null;
  childNodes: SmallNode[] = [];
  nodeValue = '';
  readonly style = {};
  readonly namespaceURI = 'http://www.w3.org/1999/xhtml';
  readonly nodeType: number;
  readonly nodeName: string;
  readonly ownerDocument: SmallDocument;

  constructor(nodeType: number, nodeName: string, ownerDocument: SmallDocument) {
    this.nodeType = nodeType;
    this.nodeName = nodeName;
    this.ownerDocument = ownerDocument;
  }

  get tagName() {
    return this.nodeName;
  }
  get firstChild() {
    return this.childNodes[0] ?? null;
  }
  get nextSibling() {
    const siblings = this.parentNode?.childNodes ?? [];
    return siblings[siblings.indexOf(this) + 1] ?? null;
  }
  get textContent(): string {
    return this.nodeValue + this.childNodes.map((child) => child.textContent).join('');
  }
  set textContent(text: string) {
    this.childNodes = text ? [this.ownerDocument.createTextNode(text)] : [];
  }
  appendChild(child: SmallNode) {
    return this.insertBefore(child, null);
  }
  insertBefore(child: SmallNode, before: SmallNode | null) {
    child.parentNode?.removeChild(child);
    child.parentNode = this;
    this.childNodes.splice(before ? this.childNodes.indexOf(before) : this.childNodes.length, 0, child);
    return child;
  }
  removeChild(child: SmallNode) {
    this.childNodes.splice(this.childNodes.indexOf(child), 1);
    child.parentNode = null;
    return child;
  }
  setAttribute() {}
  removeAttribute() {}
  addEventListener() {}
  removeEventListener() {}
}

class SmallDocument {
  readonly nodeType = 9;
  readonly activeElement = null;
  readonly defaultView = globalThis;
  createElement = (name: string) => new SmallNode(1, name.toUpperCase(), this);
  createElementNS = (_space: string, name: string) => this.createElement(name);
  createTextNode(text: string) {
    const node = new SmallNode(3, '#text', this);
    node.nodeValue = text;
    return node;
  }
  createComment = () => new SmallNode(8, '#comment', this);
  addEventListener() {}
  removeEventListener() {}
}

/** Renders into a page of its own, as a browser would. It lasts as long as the test. */
export function openSmallRoot() {
  const document = new SmallDocument();
  vi.stubGlobal('window', globalThis);
  vi.stubGlobal('document', document);
  vi.stubGlobal('HTMLIFrameElement', class {});
  const element = document.createElement('div');
  // What it lacks, React DOM does not ask for.
  const root = createRoot(element as unknown as Element, { onCaughtError: () => undefined });
  onTestFinished(async () => {
    flushSync(() => root.unmount());
    // What React has still to do, which asks for the globals.
    await setImmediate();
    vi.unstubAllGlobals();
  });
  return { render: (node: ReactNode) => root.render(node), text: () => element.textContent };
}
