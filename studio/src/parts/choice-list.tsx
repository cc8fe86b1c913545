import { Combobox } from '@base-ui/react/combobox';
import { Check } from 'lucide-react';
import styles from './choice.module.css';
import { ChoiceFace, type ChoiceProps, choiceNames, type Option } from './choice-face.tsx';
import { classNames } from './class-names.ts';
import { useFieldControl } from './field.tsx';
import menu from './menu.module.css';

/** The list of a choice, with a search; open at first. */
export default function ChoiceList(props: ChoiceProps) {
  const { options, value, onChange, label } = props;
  const names = choiceNames(props, useFieldControl());
  return (
    <Combobox.Root
      defaultOpen
      items={options}
      value={options.find((option) => option.value === value) ?? null}
      isItemEqualToValue={(item: Option, other: Option) => item.value === other.value}
      onValueChange={(next: Option | null) => next && onChange(next.value)}
    >
      <Combobox.Trigger {...names} className={styles.trigger}>
        <ChoiceFace {...props} />
      </Combobox.Trigger>
      <Combobox.Portal>
        <Combobox.Positioner sideOffset={4} className={menu.positioner}>
          <Combobox.Popup className={classNames(menu.popup, styles.wide)} aria-label={label ?? 'Choices'}>
            <div className={styles.search}>
              <Combobox.Input placeholder="Search" aria-label="Search" />
            </div>
            <Combobox.Empty className={styles.none}>Nothing fits.</Combobox.Empty>
            <Combobox.List>
              {(option: Option) => (
                <Combobox.Item key={option.value} value={option} className={menu.item}>
                  <span className={styles.text}>{option.label}</span>
                  <Combobox.ItemIndicator className={menu.mark}>
                    <Check size={16} aria-hidden />
                  </Combobox.ItemIndicator>
                </Combobox.Item>
              )}
            </Combobox.List>
          </Combobox.Popup>
        </Combobox.Positioner>
      </Combobox.Portal>
    </Combobox.Root>
  );
}
