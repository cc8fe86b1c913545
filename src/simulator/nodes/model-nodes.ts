import { isRecord } from '../protocol/json.ts';
import { conditioningInput, integerText, type NodeRun, numberInput, optionalImage, textInput } from './node-call.ts';
import type { Conditioning } from './values.ts';

function conditioning(text: string): Conditioning {
  return { kind: 'conditioning', text };
}

const pair: NodeRun = (call) => ({
  outputs: [conditioningInput(call, 'positive'), conditioningInput(call, 'negative')],
});

const scheduler: NodeRun = (call) => ({
  outputs: [
    {
      kind: 'sigmas',
      name: call.classType,
      steps: numberInput(call, 'steps'),
      denoise: numberInput(call, 'denoise', 1),
    },
  ],
});

/** Node classes of models, conditioning and the parts of a custom sampler. Nothing is loaded: they pass names on. */
export const modelNodes: Record<string, NodeRun> = {
  CLIPTextEncode: (call) => ({ outputs: [conditioning(textInput(call, 'text'))] }),
  TextEncodeAceStepAudio: (call) => ({
    outputs: [conditioning(`${textInput(call, 'tags')}\n${textInput(call, 'lyrics')}`)],
  }),
  ConditioningCombine: (call) => {
    const texts = ['conditioning_1', 'conditioning_2'].map((name) => conditioningInput(call, name).text);
    return { outputs: [conditioning(texts.join(', '))] };
  },
  ConditioningZeroOut: (call) => {
    conditioningInput(call, 'conditioning');
    return { outputs: [conditioning('')] };
  },
  FluxGuidance: (call) => ({ outputs: [conditioningInput(call, 'conditioning')] }),
  LTXVConditioning: pair,
  ControlNetApplyAdvanced: (call) => {
    optionalImage(call, 'image');
    return pair(call);
  },
  BasicGuider: (call) => ({
    outputs: [{ kind: 'guider', name: 'BasicGuider', text: conditioningInput(call, 'conditioning').text }],
  }),
  BasicScheduler: scheduler,
  LTXVScheduler: scheduler,
  RandomNoise: (call) => ({ outputs: [{ kind: 'noise', name: 'RandomNoise', seed: integerText(call, 'noise_seed') }] }),
};

/** An output of a class that does nothing here: an input of the same type, else a value with no more than a name. */
export function genericOutput(type: string, classType: string, inputs: Record<string, unknown>): unknown {
  const kind = type.toLowerCase();
  const through = Object.values(inputs).find((value) => isRecord(value) && value.kind === kind);
  return through ?? { kind, name: classType };
}
