/** One figure beside its peer's. */
export interface Row {
  bench: string;
  /** With its unit. */
  figure: string;
  ours: number;
  /** Null where nothing is there to be compared with. */
  peer: { name: string; value: number } | null;
  /** What is held against the target. Default: ours over the peer's. */
  compared?: number | undefined;
  target?: { is: 'at least' | 'at most'; value: number; unit?: string } | undefined;
}

const HEADS = ['bench', 'figure', 'comfygate', 'peer', '', 'ratio', 'target', ''];

/** As a Markdown table that is also readable as it stands. */
export function formatTable(rows: readonly Row[]): string {
  const cells = rows.map(({ bench, figure, ours, peer, compared, target }) => {
    const ratio = peer && ours / peer.value;
    const held = compared ?? ratio;
    const unit = target?.unit ?? '';
    return [
      bench,
      figure,
      number(ours),
      peer ? number(peer.value) : '',
      peer?.name ?? '',
      ratio === null ? '' : ratio.toFixed(2),
      target
        ? `${target.is} ${target.value}${unit}${compared === undefined ? '' : `: ${number(compared)}${unit}`}`
        : '',
      target && held !== null ? ((target.is === 'at least') === held >= target.value ? 'met' : 'MISSED') : '',
    ];
  });
  const all = [HEADS, ...cells];
  const widths = HEADS.map((_, i) => Math.max(3, ...all.map((row) => row[i]?.length ?? 0)));
  const line = (row: string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(HEADS), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}

/** Three significant digits, thousands apart. */
function number(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
