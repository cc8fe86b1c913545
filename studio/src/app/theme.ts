import { useSyncExternalStore } from 'react';

/** `system`: as the device has it, and changing with that. */
export type Theme = 'system' | 'light' | 'dark';

const KEY = 'comfygate-theme';
const CHANGED = 'comfygate-theme-changed';

export function storedTheme(): Theme {
  const stored = localStorage.getItem(KEY);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function setTheme(theme: Theme): void {
  localStorage.setItem(KEY, theme);
  applyTheme(theme);
  window.dispatchEvent(new Event(CHANGED));
}

/** The theme as it is chosen, here or in another tab. */
export function useTheme(): Theme {
  return useSyncExternalStore(onTheme, storedTheme);
}

function onTheme(listener: () => void): () => void {
  const fromOtherTab = () => {
    applyTheme(storedTheme());
    listener();
  };
  window.addEventListener(CHANGED, listener);
  window.addEventListener('storage', fromOtherTab);
  return () => {
    window.removeEventListener(CHANGED, listener);
    window.removeEventListener('storage', fromOtherTab);
  };
}
