import styles from './slider.module.css';

interface Props {
  /** Its name for those who do not see it. */
  label: string;
  value: number;
  min: number;
  max: number;
  step: number;
  onChange(value: number): void;
}

/** A number between two others. */
export function Slider({ label, value, min, max, step, onChange }: Props) {
  const filled = ((Math.min(Math.max(value, min), max) - min) / (max - min)) * 100;
  return (
    <input
      type="range"
      aria-label={label}
      value={value}
      min={min}
      max={max}
      step={step}
      onChange={(event) => onChange(event.target.valueAsNumber)}
      className={styles.slider}
      style={{ '--filled': `${filled}%` }}
    />
  );
}
