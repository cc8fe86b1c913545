/** The metrics of /metrics, as Prometheus reads them. */
export interface Figures {
  /** The names and types of all metrics. */
  types: Map<string, string>;
  /** The value of the only series with these labels, which may have more labels; undefined where there is none. */
  value(name: string, labels?: { [label: string]: string }): number | undefined;
  /** The values of one label in all series of a metric. */
  labels(name: string, label: string): string[];
}

interface Series {
  name: string;
  labels: Map<string, string>;
  value: number;
}

const LINE = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)$/i;

export function parseFigures(text: string): Figures {
  const types = new Map<string, string>();
  const series: Series[] = [];
  for (const line of text.split('\n')) {
    const [, typed, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (typed && type) types.set(typed, type);
    if (line === '' || line.startsWith('#')) continue;
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (!name) throw new Error(`not a line of Prometheus's text format: ${line}`);
    const pairs = [...labels.matchAll(/([a-z_]+)="([^"]*)"/g)].map(
      ([, label = '', text = '']) => [label, text] as const,
    );
    series.push({ name, labels: new Map(pairs), value: Number(value) });
  }

  return {
    types,
    value(name, labels = {}) {
      const found = series.filter(
        (each) =>
          each.name === name && Object.entries(labels).every(([label, text]) => each.labels.get(label) === text),
      );
      if (found.length > 1) throw new Error(`${found.length} series are ${name} ${JSON.stringify(labels)}`);
      return found[0]?.value;
    },
    labels: (name, label) => [
      ...new Set(series.flatMap((each) => (each.name === name ? (each.labels.get(label) ?? []) : []))),
    ],
  };
}

/** Reads the metrics of a private port. */
export async function readFigures(port: number): Promise<Figures> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}`);
  return parseFigures(await answer.text());
}
