import type { NodeDefinitions } from '../../core/node-definitions.ts';

/** What nodes do that exist in the editor alone: none of them is written. */
export type VirtualKind =
  /** Passes its first input on, as reroutes and the setters of names do. */
  | 'pass'
  /** Stands for what the setter of the same name passes on. */
  | 'get'
  /** Holds a value for the widgets that it is linked to. */
  | 'primitive'
  /** Notes, switches of other nodes and the like. */
  | 'nothing';

const OF_THE_EDITOR = new Map<string, VirtualKind>([
  ['Note', 'nothing'],
  ['MarkdownNote', 'nothing'],
  ['PrimitiveNode', 'primitive'],
  ['Reroute', 'pass'],
]);

/** Of KJNodes, rgthree and Easy-Use. A server knows nothing of them, with their pack or without. */
const OF_PACKS = new Map<string, VirtualKind>([
  ['SetNode', 'pass'],
  ['GetNode', 'get'],
  ['easy setNode', 'pass'],
  ['easy getNode', 'get'],
  ['Reroute (rgthree)', 'pass'],
  ...[
    ...['Bookmark', 'Label', 'Fast Muter', 'Fast Bypasser', 'Fast Groups Muter', 'Fast Groups Bypasser'],
    ...[
      'Fast Actions Button',
      'Node Collector',
      'Node Combiner',
      'Mute / Bypass Repeater',
      'Mute / Bypass Relay',
      'Random Unmuter',
    ],
  ].map((name): [string, VirtualKind] => [`${name} (rgthree)`, 'nothing']),
]);

/** Null: its nodes run on a server. */
export function virtualKind(type: string, nodeDefinitions: NodeDefinitions): VirtualKind | null {
  return OF_THE_EDITOR.get(type) ?? (nodeDefinitions.has(type) ? null : (OF_PACKS.get(type) ?? null));
}

/** Whether its nodes give what comes in a name, by which others get it. */
export function isSetter(type: string): boolean {
  return type === 'SetNode' || type === 'easy setNode';
}
