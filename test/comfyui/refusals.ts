/**
 * Recorded graphs that are refused before anything is queued: path below the graph and code of each issue, the code
 * alone where it is the graph's own.
 */
export const REFUSALS: { [graph: string]: string[] } = {
  '23_partly_invalid': ['3.inputs.images required'],
  e01_missing_node_type: ['1.class_type unknown_class'],
  e02_no_class_type: ['1.class_type required'],
  e03_no_outputs: ['required'],
  e04_required_input_missing: ['2.inputs.images required'],
  e05_value_smaller_than_min: ['1.inputs.width too_small'],
  e06_value_bigger_than_max: ['1.inputs.batch_size too_big'],
  e07_invalid_input_type: ['1.inputs.width invalid_type'],
  e08_value_not_in_list: ['2.inputs.upscale_method not_a_choice'],
  e10_link_to_unknown_node: ['2.inputs.images.0 unknown_node'],
  e15_inner_validation_exception: ['1.inputs required'],
  e16_model_not_installed: [
    '3.inputs.sampler_name not_a_choice',
    '3.inputs.steps too_small',
    '4.inputs.ckpt_name not_a_choice',
  ],
};
