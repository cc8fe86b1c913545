import type { Conversion } from './scope.ts';

/** Classes whose `filename_prefix` may name other nodes. */
const SAVE_CLASSES = new Set([
  ...['SaveImage', 'SaveImageAdvanced', 'SaveSVGNode', 'SaveVideo', 'SaveAnimatedWEBP', 'SaveAnimatedPNG', 'SaveWEBM'],
  ...['SaveAudio', 'SaveAudioMP3', 'SaveAudioOpus', 'SaveAudioAdvanced', 'SaveGLB', 'Save3DAdvanced'],
  ...['SaveGaussianSplat', 'SavePointCloud', 'CLIPSave', 'VAESave', 'ModelSave', 'LoraSave', 'SaveLatent'],
]);

export function namesFiles(className: string, widget: string): boolean {
  return widget === 'filename_prefix' && SAVE_CLASSES.has(className);
}

/** Date parts of the editor, and what a server puts in their place when it saves. */
const DATE_PARTS: { [letter: string]: string } = {
  y: '%year%',
  M: '%month%',
  d: '%day%',
  h: '%hour%',
  H: '%hour%',
  m: '%minute%',
  s: '%second%',
};

/** A path may have so many characters; a longer text is no name of a file, and stays. */
const LONGEST_PATH = 1_000;
/** The most of a value that a name of a file can have. */
const LONGEST_NAME = 255;

/**
 * Replaces `%Node.widget%` by the value of that widget, wherever the node is. `%date:yyyy-MM-dd%` becomes what the
 * server replaces when it runs, since a graph is run on other days too. What names nothing stays.
 */
export function replaceNames(conversion: Conversion, text: string): string {
  if (text.length > LONGEST_PATH) return text;
  return text.replace(/%([^%]+)%/g, (all, name: string) => {
    if (name.startsWith('date:')) return name.slice('date:'.length).replace(/([yMdhHms])\1*/g, datePart);
    const dot = name.indexOf('.');
    const node = dot < 0 ? undefined : conversion.nodeNamed(name.slice(0, dot));
    const value = node && conversion.valuesOf(node)?.widgets.get(name.slice(dot + 1))?.value;
    if (value === undefined || value === null) return all;
    const shown = String(value).slice(0, LONGEST_NAME);
    return shown.replace(/[/?<>\\:*|"\p{Cc}]/gu, '_');
  });
}

function datePart(_: string, letter: string): string {
  return DATE_PARTS[letter] ?? '';
}
