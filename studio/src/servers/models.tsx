import type { Workflow } from '@comfygate/client';
import styles from './servers.module.css';

/** The model files that running servers offer to workflows. */
export function Models({ workflows }: { workflows: readonly Workflow[] }) {
  const offered = workflows.flatMap(({ title, parameters }) =>
    parameters
      .filter(({ type }) => type === 'MODEL')
      .map((parameter) => ({ title: `${title}: ${parameter.title}`, choices: parameter.choices ?? [] })),
  );
  if (offered.length === 0) return null;
  return (
    <section aria-labelledby="models">
      <h2 id="models" className={styles.heading}>
        Models
      </h2>
      <dl className={styles.models}>
        {offered.map(({ title, choices }) => (
          <div key={title}>
            <dt>{title}</dt>
            {choices.length === 0 && <dd className={styles.small}>none on a server that runs</dd>}
            {choices.map(({ value, label }) => (
              <dd key={value}>{label}</dd>
            ))}
          </div>
        ))}
      </dl>
    </section>
  );
}
