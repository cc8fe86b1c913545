import type { Graph } from '../../../src/core/graph.ts';

/** Graphs of stock classes that make, load and save without a model, beside the recorded ones. */

const picture = { class_type: 'EmptyImage', inputs: { width: 64, height: 48, batch_size: 1, color: 255 } };
const pictures = { class_type: 'EmptyImage', inputs: { width: 64, height: 48, batch_size: 12, color: 0x336699 } };
const silence = { class_type: 'EmptyAudio', inputs: { duration: 1.5, sample_rate: 44100, channels: 2 } };

function saves(class_type: string, input: string, from: [string, number], options: Graph[string]['inputs'] = {}) {
  return { class_type, inputs: { [input]: from, filename_prefix: 'x', ...options } };
}

/** FLAC, MP3 and Opus. */
export const sound: Graph = {
  '1': silence,
  '2': saves('SaveAudio', 'audio', ['1', 0]),
  '3': saves('SaveAudioMP3', 'audio', ['1', 0], { quality: '128k' }),
  '4': saves('SaveAudioOpus', 'audio', ['1', 0], { quality: '128k' }),
  '5': saves('SaveAudioAdvanced', 'audio', ['1', 0], { format: 'mp3', 'format.quality': 'V0' }),
};

/** A temporary FLAC. */
export const heardSound: Graph = { '1': silence, '2': { class_type: 'PreviewAudio', inputs: { audio: ['1', 0] } } };

/** Of three frames, as PNG and WebP. */
export const animations: Graph = {
  '1': { ...pictures, inputs: { ...pictures.inputs, batch_size: 3 } },
  '2': saves('SaveAnimatedPNG', 'images', ['1', 0], { fps: 6, compress_level: 4 }),
  '3': saves('SaveAnimatedWEBP', 'images', ['1', 0], { fps: 6, lossless: true, quality: 80, method: 'default' }),
  '4': saves('SaveAnimatedWEBP', 'images', ['1', 0], { fps: 6, lossless: false, quality: 80, method: 'fastest' }),
};

/** PNG of 16 bits, and EXR. */
export const deepPictures: Graph = {
  '1': picture,
  '2': saves('SaveImageAdvanced', 'images', ['1', 0], {
    format: 'png',
    'format.bit_depth': '16-bit',
    'format.input_color_space': 'sRGB',
  }),
  '3': saves('SaveImageAdvanced', 'images', ['1', 0], {
    format: 'exr',
    'format.bit_depth': '32-bit float',
    'format.input_color_space': 'sRGB',
  }),
};

/** MKV with sound, WebM without. */
export const films: Graph = {
  '1': pictures,
  '2': { ...silence, inputs: { ...silence.inputs, duration: 1 } },
  '3': { class_type: 'CreateVideo', inputs: { images: ['1', 0], fps: 12, audio: ['2', 0] } },
  '4': saves('SaveVideo', 'video', ['3', 0], { format: 'mkv', 'format.codec': 'h264' }),
  '5': { class_type: 'CreateVideo', inputs: { images: ['1', 0], fps: 12 } },
  '6': saves('SaveVideo', 'video', ['5', 0], { format: 'webm', 'format.codec': 'av1' }),
};

/** A mask that is sent, as a picture. */
export const loadedMask: Graph = {
  '1': { class_type: 'LoadImageMask', inputs: { image: 'none.png', channel: 'red' } },
  '2': { class_type: 'MaskToImage', inputs: { mask: ['1', 0] } },
  '3': saves('SaveImage', 'images', ['2', 0]),
};

/** Sound that is sent, saved as FLAC. */
export const loadedSound: Graph = {
  '1': { class_type: 'LoadAudio', inputs: { audio: 'none.mp3' } },
  '2': saves('SaveAudio', 'audio', ['1', 0]),
};

/** A film that is sent: as it is, its first picture, and its sound. */
export const loadedFilm: Graph = {
  '1': { class_type: 'LoadVideo', inputs: { file: 'none.mp4' } },
  '2': { class_type: 'GetVideoComponents', inputs: { video: ['1', 0] } },
  // Older versions have `codec` beside the format.
  '3': saves('SaveVideo', 'video', ['1', 0], { format: 'auto', 'format.codec': 'auto', codec: 'auto' }),
  '4': { class_type: 'ImageFromBatch', inputs: { image: ['2', 0], batch_index: 0, length: 1 } },
  '5': saves('SaveImage', 'images', ['4', 0]),
  '6': saves('SaveAudio', 'audio', ['2', 1]),
};
