import { Menu } from '@base-ui/react/menu';
import type { Artifact } from '@comfygate/client';
import { ImageUp } from 'lucide-react';
import { Link } from 'wouter';
import { useWorkflows } from '../jobs/use-workflows.ts';
import { Button } from '../parts/button.tsx';
import { classNames } from '../parts/class-names.ts';
import menu from '../parts/menu.module.css';
import { takersOf } from './takers.ts';
import styles from './use-as-input.module.css';

/** Leads to the form of a workflow that takes such a file, with the result in it. */
export function UseAsInput({ artifact }: { artifact: Artifact }) {
  const { data: workflows = [] } = useWorkflows();
  const takers = takersOf(workflows, artifact);
  if (takers.length === 0) return null;
  return (
    <Menu.Root>
      <Menu.Trigger render={<Button />}>
        <ImageUp size={16} aria-hidden />
        Use as input
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={4} className={menu.positioner}>
          <Menu.Popup className={menu.popup}>
            {takers.map(({ key, name, href }) => (
              <Menu.Item key={key} className={classNames(menu.item, styles.taker)} render={<Link href={href} />}>
                {name}
              </Menu.Item>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
