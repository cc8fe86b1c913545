import type { Workflow } from '@comfygate/client';
import styles from './servers.module.css';

/** The model files that running servers offer to workflows. */
export function Models({ workflows }: { workflows: readonly Workflow[] }) {
  const parameters = workflows.flatMap(({ title, parameters: all }) =>
    all.filter(({ type }) => type === 'MODEL').map(({ choices }) => ({ title, choices: choices ?? [] })),
  );
  if (parameters.length === 0) return null;
  // Workflows that take the same files are named together.
  const offered = Map.groupBy(parameters, ({ choices }) => choices.map(({ value }) => value).join('\n'));
  return (
    <section aria-labelledby="models">
      <h2 id="models" className={styles.heading}>
        Models
      </h2>
      <dl className={styles.models}>
        {[...offered].map(([key, [first, ...others]]) => (
          <div key={key}>
            <dt>{[first, ...others].map((each) => each?.title).join(', ')}</dt>
            {first?.choices.length === 0 && <dd className={styles.small}>none on a server that runs</dd>}
            {first?.choices.map(({ value, label }) => (
              <dd key={value}>{label}</dd>
            ))}
          </div>
        ))}
      </dl>
    </section>
  );
}
