import { InvalidArgumentError, Option } from 'commander';
import { parseSince } from './since.ts';

export const sinceOption = (description: string) =>
  new Option('--since <when>', `${description}: 90s, 30m, 2h, 7d, or a time such as 2026-03-01T02:00:00Z`).argParser(
    (text) => {
      const since = parseSince(text);
      if (!since) throw new InvalidArgumentError('expected 90s, 30m, 2h, 7d, or a time such as 2026-03-01T02:00:00Z');
      return since;
    },
  );
