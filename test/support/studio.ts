import { execFileSync } from 'node:child_process';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** Builds the studio where it is absent or older than its sources, as `npm start` does. */
export function buildStudio(): void {
  execFileSync(process.execPath, ['scripts/build-studio.mjs', '--if-stale'], { stdio: 'pipe' });
}

/** What a page does for everybody, by axe-core; there is nothing that it finds. */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    // What comes and goes is measured when it is there.
    await Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => undefined)));
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
  });
  expect(found, where).toEqual([]);
}
