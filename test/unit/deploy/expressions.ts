/** A metric in an expression of PromQL, with the labels that it is selected by. */
export interface Selector {
  metric: string;
  labels: string[];
}

const STRINGS = /"(?:[^"\\]|\\.)*"/g;
const LABEL_LISTS = /\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const SELECTORS = /([A-Za-z_:][\w:]*)(?:\s*\{([^}]*)\})?(?!\s*[\w:(])/g;
const WORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan']);

/** What an expression reads, and the labels that it groups or joins by. Its syntax is left to promtool. */
export function readExpression(expression: string): { selectors: Selector[]; groupedBy: string[] } {
  const groupedBy: string[] = [];
  const bare = expression
    .replace(STRINGS, '""')
    .replace(/\[[^\]]*\]/g, '')
    .replace(LABEL_LISTS, (_, __, labels: string) => {
      groupedBy.push(...labels.split(',').map((label) => label.trim()));
      return ' ';
    });
  const selectors = [...bare.matchAll(SELECTORS)]
    .map(([, metric = '', labels = '']) => ({
      metric,
      labels: [...labels.matchAll(/(\w+)\s*[=!]/g)].map(([, l = '']) => l),
    }))
    .filter(({ metric }) => !WORDS.has(metric.toLowerCase()));
  return { selectors, groupedBy };
}
