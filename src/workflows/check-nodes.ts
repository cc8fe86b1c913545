import type { InputIssue } from '../core/errors.ts';
import type { Graph } from '../core/graph.ts';
import type { Json } from '../core/job.ts';
import { dangerOf, dangers } from './denied-nodes.ts';
import { createIssueList, type IssueList, type Path, quote, shorten } from './issues.ts';

/**
 * Which classes of nodes a caller's own graphs may have. `*` is all that are not in denied-nodes.ts, `@reads`, `@code`
 * and so on are those there, anything else the name of a class.
 */
export interface NodeRules {
  /** Default: `*`. */
  allow?: readonly string[] | undefined;
  /** Denied whatever is allowed. Default: none. */
  deny?: readonly string[] | undefined;
}

/**
 * What a caller's own graph has that its plan does not let it have: classes, and names of files outside of its input
 * files. `whole`: the graph was made of what the editor saves, so that all issues are of `path` itself.
 */
export function checkNodes(graph: Graph, rules: NodeRules, path: Path, whole = false): InputIssue[] {
  const issues = createIssueList(path);
  for (const [id, { class_type, inputs }] of Object.entries(graph)) {
    if (issues.full) break;
    const at = (...rest: string[]) => (whole ? [] : [id, ...rest]);
    if (!isAllowed(class_type, rules)) {
      const danger = dangerOf(class_type);
      const why = danger ? `: it ${dangers[danger]}` : '';
      issues.add(at('class_type'), 'node_denied', `the class ${quote(class_type)} of node ${id} is not allowed${why}`);
    }
    for (const [name, value] of Object.entries(inputs)) {
      // What a client writes there is replaced, see worker/comfyui/prompt.ts.
      if (name !== 'filename_prefix') checkFileNames(value, id, at('inputs', shorten(name)), issues);
    }
  }
  return issues.found;
}

function isAllowed(classType: string, { allow = ['*'], deny = [] }: NodeRules): boolean {
  const danger = dangerOf(classType);
  const names = (list: readonly string[]) =>
    list.includes(classType) || (danger ? list.includes(`@${danger}`) : list.includes('*'));
  return !names(deny) && names(allow);
}

/** `x.png [output]`: a file of another of ComfyUI's folders. */
const ANNOTATED = /\s\[(?:output|temp|input)\]\s*$/i;
/** `..` as a whole segment of a path. */
const UPWARDS = /(?:^|[\\/])\.\.(?:[\\/]|$)/;
/** `/etc/x`, `/etc`, `~/x`, `C:\x`, `\\server`, `file:`; not `/imagine a cat`. */
const ABSOLUTE = /^\s*(?:\/[^\s/]+(?:\/|\s*$)|~[\\/]|[A-Za-z]:[\\/]|\\\\|file:)/;

function checkFileNames(value: Json, id: string, path: Path, issues: IssueList): void {
  if (typeof value === 'object' && value !== null) {
    for (const each of Object.values(value)) checkFileNames(each, id, path, issues);
    return;
  }
  if (typeof value !== 'string') return;
  if (!ANNOTATED.test(value) && !UPWARDS.test(value) && !ABSOLUTE.test(value)) return;
  const expected = 'expected no path that is absolute, has .. in it, or names a folder such as [output]';
  issues.add(
    path,
    'file_denied',
    `${expected}, got ${quote(shorten(value))} at node ${id}; send input files as \`files\``,
  );
}
