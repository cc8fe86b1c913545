import { median } from './rounds.ts';

/** One figure beside its peer's, by round. */
export interface Row {
  bench: string;
  /** With its unit. */
  figure: string;
  ours: readonly number[];
  /** As many as ours; null where there is nothing to compare with. */
  peer: { name: string; values: readonly number[] } | null;
  /** What is held against the target: the ratio to the peer, what is added to the peer's, or the figure itself. */
  target?: { of: 'ratio' | 'difference' | 'figure'; is: 'at least' | 'at most'; value: number };
}

const HEADS = ['bench', 'figure', 'comfygate', 'peer', '', 'ratio', 'added', 'target', ''];

/**
 * As a Markdown table that is also readable as it stands; medians. Ratio and difference are taken in each round before their
 * median is, since the two of a round saw the same machine.
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

/** Three significant digits, thousands apart. */
function number(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
