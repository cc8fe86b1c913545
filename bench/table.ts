import { median } from './rounds.ts';

/** One figure and its peer's, by round. */
export interface Row {
  bench: string;
  /** The name of the figure, with its unit. */
  figure: string;
  ours: readonly number[];
  /** As many values as `ours`; null where there is no peer. */
  peer: { name: string; values: readonly number[] } | null;
  /** What the target limits: the ratio to the peer, the difference from the peer, or the figure itself. */
  target?: { of: 'ratio' | 'difference' | 'figure'; is: 'at least' | 'at most'; value: number };
}

const HEADS = ['bench', 'figure', 'comfygate', 'peer', '', 'ratio', 'added', 'target', ''];

/**
 * Formats the medians as a Markdown table that is also readable as plain text. Ratio and difference are computed for
 * each round before the median is taken, since both values of a round were measured on the machine in the same state.
 */
export function formatTable(rows: readonly Row[]): string {
  const cells = rows.map(({ bench, figure, ours, peer, target }) => {
    const pairs = ours.map((value, round) => [value, peer?.values[round] ?? Number.NaN] as const);
    const measured = {
      figure: median(ours),
      ratio: peer ? median(pairs.map(([value, theirs]) => value / theirs)) : null,
      difference: peer ? median(pairs.map(([value, theirs]) => value - theirs)) : null,
    };
    const held = target ? measured[target.of] : null;
    return [
      bench,
      figure,
      number(measured.figure),
      peer ? number(median(peer.values)) : '',
      peer?.name ?? '',
      measured.ratio === null ? '' : measured.ratio.toFixed(2),
      measured.difference !== null && target?.of === 'difference' ? number(measured.difference) : '',
      target ? `${NAMES[target.of]} ${target.is} ${number(target.value)}`.trim() : '',
      target && held !== null
        ? (target.is === 'at least' ? held >= target.value : held <= target.value)
          ? 'met'
          : 'MISSED'
        : '',
    ];
  });
  const all = [HEADS, ...cells];
  const widths = HEADS.map((_, i) => Math.max(3, ...all.map((row) => row[i]?.length ?? 0)));
  const line = (row: string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(HEADS), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}

const NAMES = { ratio: 'ratio', difference: 'added', figure: '' };

/** Formats a number with three significant digits and separators for thousands. */
function number(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
