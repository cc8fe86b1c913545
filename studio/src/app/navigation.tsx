import { BookOpen, Braces, Images, KeyRound, ListVideo, Server, Sparkles } from 'lucide-react';
import { Link, useLocation } from 'wouter';
import icon from './icon.svg';
import styles from './navigation.module.css';
import { ThemeButton } from './theme-button.tsx';

const PAGES = [
  { path: '/make', name: 'Make', Icon: Sparkles },
  { path: '/now', name: 'Now', Icon: ListVideo },
  { path: '/gallery', name: 'Gallery', Icon: Images },
  { path: '/servers', name: 'Servers', Icon: Server },
  { path: '/account', name: 'Account', Icon: KeyRound },
];

/** A gateway may show its other pages or not, and says so in the page. */
const hasTools = document.documentElement.dataset.tools !== 'off';

/** At the side, or on narrow screens at the bottom. */
export function Navigation() {
  const [location] = useLocation();
  return (
    <header className={styles.rail}>
      <Link href="/make" className={styles.brand} aria-label="comfygate studio">
        <img src={icon} alt="" width={28} height={28} />
      </Link>
      <nav aria-label="Pages" className={styles.pages}>
        {PAGES.map(({ path, name, Icon }) => {
          const isHere = location === path || location.startsWith(`${path}/`);
          return (
            <Link key={path} href={path} className={styles.item} aria-current={isHere ? 'page' : undefined}>
              <Icon size={20} strokeWidth={1.75} aria-hidden />
              {name}
            </Link>
          );
        })}
      </nav>
      <div className={styles.tools}>
        {hasTools && (
          <>
            <a href="/docs" className={styles.tool} target="_blank" rel="noopener">
              <BookOpen size={18} strokeWidth={1.75} aria-hidden />
              Docs
            </a>
            <a href="/graphql" className={styles.tool} target="_blank" rel="noopener">
              <Braces size={18} strokeWidth={1.75} aria-hidden />
              GraphiQL
            </a>
          </>
        )}
        <ThemeButton className={styles.tool} />
      </div>
    </header>
  );
}
