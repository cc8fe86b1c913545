/** What the author of a workflow chose in the editor's App mode, in that order, in terms of the graph. */
export interface AppMode {
  /** `name` is the input's in the editor; `title` is the author's own. One value may go to several inputs. */
  inputs: { name: string; title: string | null; targets: { node: string; input: string }[] }[];
  /** Ids of nodes of the graph. */
  outputs: string[];
}
