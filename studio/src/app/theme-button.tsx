import { Monitor, Moon, Sun } from 'lucide-react';
import { setTheme, type Theme, useTheme } from './theme.ts';

const THEMES: Record<Theme, { name: string; Icon: typeof Sun; next: Theme }> = {
  system: { name: 'as the device', Icon: Monitor, next: 'light' },
  light: { name: 'light', Icon: Sun, next: 'dark' },
  dark: { name: 'dark', Icon: Moon, next: 'system' },
};

/** Goes through the themes, one at each press. */
export function ThemeButton({ className }: { className: string | undefined }) {
  const { name, Icon, next } = THEMES[useTheme()];
  return (
    <button
      type="button"
      className={className}
      onClick={() => setTheme(next)}
      aria-label={`Theme: ${name}. Change to ${THEMES[next].name}`}
    >
      <Icon size={18} strokeWidth={1.75} aria-hidden />
      Theme
    </button>
  );
}
