/**
 * The models that the simulator claims to have, by folder. They have the names of real ones, so that stock graphs run
 * as they are; the checkpoints are exactly those of the recorded scenarios.
 */
export const modelFiles: Record<string, readonly string[]> = {
  checkpoints: ['v1-5-pruned-emaonly.safetensors', 'sd_xl_base_1.0.safetensors'],
  configs: [],
  loras: ['add_detail.safetensors', 'pixel-art-xl.safetensors'],
  vae: [
    'vae-ft-mse-840000-ema-pruned.safetensors',
    'ae.safetensors',
    'wan_2.1_vae.safetensors',
    'ace_step_v1_3.5b_vae.safetensors',
  ],
  text_encoders: [
    'clip_l.safetensors',
    't5xxl_fp16.safetensors',
    'umt5_xxl_fp8_e4m3fn_scaled.safetensors',
    'ace_step_v1_3.5b_clip.safetensors',
  ],
  diffusion_models: [
    'flux1-dev.safetensors',
    'wan2.1_i2v_480p_14B_fp8_scaled.safetensors',
    'wan2.1_t2v_1.3B_fp16.safetensors',
    'ace_step_v1_3.5b_model.safetensors',
  ],
  clip_vision: ['clip_vision_h.safetensors'],
  style_models: [],
  embeddings: [],
  diffusers: [],
  vae_approx: [],
  controlnet: ['control_v11p_sd15_canny.pth'],
  gligen: [],
  upscale_models: ['RealESRGAN_x4plus.pth'],
  hypernetworks: [],
  photomaker: [],
  classifiers: [],
};

/** Inputs whose choices are the files of a model folder. */
export const modelInputs: Record<string, ReadonlyArray<{ input: string; folder: string }>> = {
  CheckpointLoaderSimple: [{ input: 'ckpt_name', folder: 'checkpoints' }],
  ImageOnlyCheckpointLoader: [{ input: 'ckpt_name', folder: 'checkpoints' }],
  CLIPLoader: [{ input: 'clip_name', folder: 'text_encoders' }],
  CLIPVisionLoader: [{ input: 'clip_name', folder: 'clip_vision' }],
  ControlNetLoader: [{ input: 'control_net_name', folder: 'controlnet' }],
  DualCLIPLoader: [
    { input: 'clip_name1', folder: 'text_encoders' },
    { input: 'clip_name2', folder: 'text_encoders' },
  ],
  LoraLoader: [{ input: 'lora_name', folder: 'loras' }],
  LoraLoaderModelOnly: [{ input: 'lora_name', folder: 'loras' }],
  UNETLoader: [{ input: 'unet_name', folder: 'diffusion_models' }],
  UpscaleModelLoader: [{ input: 'model_name', folder: 'upscale_models' }],
  VAELoader: [{ input: 'vae_name', folder: 'vae' }],
};
