import { isRecord, toJson } from '../protocol/json.ts';
import { floatText, repr } from '../protocol/python.ts';
import { describeValue } from './describe.ts';
import { type NodeRun, textInput } from './node-call.ts';

const value: NodeRun = (call) => ({ outputs: [call.inputs.value] });

/** Numbers and texts as they are, structures as JSON, anything else as Python would print it. */
function shownText(source: unknown, type: string | undefined): string {
  if (source === null || source === undefined) return 'None';
  if (typeof source === 'string') return source;
  if (typeof source === 'number') return type === 'FLOAT' ? floatText(source) : String(source);
  if (typeof source === 'boolean') return repr(source);
  if (JSON.isRawJSON(source)) return source.rawJSON;
  if (isRecord(source) && typeof source.kind === 'string') return describeValue(source);
  return toJson(source);
}

/** Node classes of texts and plain values. */
export const textNodes: Record<string, NodeRun> = {
  PrimitiveInt: value,
  PrimitiveFloat: value,
  PrimitiveBoolean: value,
  PrimitiveString: value,
  PrimitiveStringMultiline: value,
  StringConcatenate: (call) => ({
    outputs: [[textInput(call, 'string_a'), textInput(call, 'string_b')].join(textInput(call, 'delimiter'))],
  }),
  StringLength: (call) => ({ outputs: [[...textInput(call, 'string')].length] }),
  PreviewAny: (call) => {
    const shown = shownText(call.inputs.source, call.linkTypes.source);
    return { outputs: [shown], ui: { text: [shown] } };
  },
};
