import styles from './progress.module.css';

interface Props {
  label: string;
  /** 0 to 1; null: nobody knows. */
  fraction: number | null;
}

export function Progress({ label, fraction }: Props) {
  const percent = fraction === null ? undefined : Math.round(fraction * 100);
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      className={styles.track}
    >
      <div className={styles.filled} data-unknown={fraction === null || undefined} style={{ width: `${percent}%` }} />
    </div>
  );
}
