import type { Json } from '../../core/job.ts';
import { replaceNames } from './file-names.ts';
import { type Conversion, placeKey, type Scope } from './scope.ts';

/**
 * Puts the values of a scope's PrimitiveNodes into the widgets that they are linked to, whatever their mode. `given`:
 * values that an instance has for them.
 */
export function putPrimitives(conversion: Conversion, scope: Scope, given: ReadonlyMap<string, Json>): void {
  const { nodes, links } = scope.graph;
  for (const link of links.values()) {
    const primitive = nodes.get(link.originId);
    if (!primitive || conversion.virtualKind(primitive) !== 'primitive') continue;
    const target = nodes.get(link.targetId);
    const input = target?.inputs.find((each) => each.link === link.id);
    const [own] = Array.isArray(primitive.values) ? (primitive.values as Json[]) : [];
    const value = given.get(primitive.id) ?? own;
    if (!target || !input || value === undefined) continue;
    const isReplacing = primitive.properties['Run widget replace on values'] === true && typeof value === 'string';
    scope.replaced.set(
      placeKey(target.id, input.widget ?? input.name),
      isReplacing ? replaceNames(conversion, value) : value,
    );
  }
}
