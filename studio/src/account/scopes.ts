/** What a scope allows, for a person. */
export function describeScope(scope: string): string {
  if (scope === 'job:read') return 'read and watch your jobs, and fetch their results';
  if (scope === 'job:write') return 'make, cancel, repeat and delete jobs, and send files';
  if (scope === 'admin') return 'what concerns the whole installation';
  if (scope === 'workflow:*') return 'run any workflow of the catalogue';
  if (scope === 'workflow:custom') return 'run graphs of your own';
  return scope.startsWith('workflow:') ? `run ${scope.slice('workflow:'.length)}` : '';
}
