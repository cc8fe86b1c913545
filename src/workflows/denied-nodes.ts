import { partnerNodes } from './partner-nodes.ts';

/** Why a class of nodes is denied to callers whose plan does not allow it. */
export type NodeDanger = 'reads' | 'writes' | 'network' | 'partner' | 'code';

/** What the class does, for a person; docs/custom-graphs.md says more. */
export const dangers: Readonly<Record<NodeDanger, string>> = {
  reads: 'reads files of the server, or what other jobs have left there',
  writes: 'writes files to the server that are no results',
  network: 'sends requests to addresses that the graph names',
  partner: 'calls a service of others, for credits of a comfy.org key',
  code: 'runs code that the graph holds',
};

/**
 * Classes by what they do: those of a stock ComfyUI, and of packs that many have installed. Of packs nobody can know
 * all: for callers whom the operator does not trust, a plan lists what it allows.
 */
const classes: Readonly<Record<NodeDanger, readonly string[]>> = {
  reads: [
    // Stock: whatever lies in the folder of results, or in folders that hold everybody's.
    ...['LoadImageOutput', 'LoadTrainingDataset', 'LoadImageDataSetFromFolder', 'LoadImageTextDataSetFromFolder'],
    ...['LoadVideoDataSetFromFolder', 'LoadVideoTextDataSetFromFolder'],
    // VideoHelperSuite
    ...['VHS_LoadVideoPath', 'VHS_LoadVideoFFmpegPath', 'VHS_LoadImagesPath', 'VHS_LoadImagePath', 'VHS_LoadAudio'],
    ...['VHS_LoadImages'],
    // WAS Node Suite
    ...[
      'Load Image Batch',
      'Image Load',
      'Load Text File',
      'Text Load Line From File',
      'Load Cache',
      'Image History Loader',
    ],
    ...['Create Grid Image', 'Create Video from Path', 'Create Morph Image from Path', 'Text File History Loader'],
    // Inspire Pack; what it caches is there for all prompts.
    ...['LoadImagesFromDir //Inspire', 'LoadImageListFromDir //Inspire', 'LoadTextBatchFromDir //Inspire'],
    ...['LoadPromptsFromDir //Inspire', 'LoadPromptsFromFile //Inspire', 'LoadSinglePromptFromFile //Inspire'],
    ...['RetrieveBackendData //Inspire', 'RetrieveBackendDataNumberKey //Inspire'],
    // Others: KJNodes, Custom-Scripts, Easy-Use, Impact Pack, Crystools
    ...['LoadImagesFromFolderKJ', 'LoadVideosFromFolder', 'LoadText|pysssss', 'easy loadImagesForLoop'],
    ...['LoadConditioning', 'Read JSON file [Crystools]', 'Screencap_mss', 'WebcamCaptureCV2'],
  ],
  writes: [
    // Stock: models and data sets, of gigabytes.
    ...['CheckpointSave', 'ImageOnlyCheckpointSave', 'CLIPSave', 'VAESave', 'ModelSave', 'LoraSave', 'SaveLoRA'],
    ...['SaveTrainingDataset', 'SaveImageDataSetToFolder', 'SaveImageTextDataSetToFolder'],
    // WAS Node Suite
    ...['Image Save', 'Save Text File', 'Export API', 'Write to GIF', 'Write to Video', 'Cache Node'],
    // Others
    ...['CacheBackendData //Inspire', 'CacheBackendDataNumberKey //Inspire', 'CacheBackendDataList //Inspire'],
    ...['SaveImageKJ', 'SaveStringKJ', 'SaveText|pysssss', 'easy saveText', 'SaveConditioning'],
  ],
  network: [
    // ArtVenture, mtb and others that load from an address
    ...['LoadImageFromUrl', 'LoadImageAsMaskFromUrl', 'Load Image From Url (mtb)', 'Load Image From URL'],
    // RequestNodes
    ...['Get Request Node', 'Post Request Node', 'Form Post Request Node', 'Rest Api Node'],
    // S3
    ...['LoadImageS3', 'SaveImageS3', 'SaveVideoFilesS3', 'DownloadFileS3', 'UploadFileS3'],
  ],
  partner: partnerNodes,
  code: [
    // SRL nodes, Custom IDE, Ace-Nodes (CVE-2024-21577), Bmad (CVE-2024-21576), Fill-Nodes, Any-Node
    ...['SRL Eval', 'SrlEval', 'IDENode', 'ACE_ExpressionEval', 'BuildColorRangeHSVAdvanced', 'FilterContour'],
    ...['FindContour', 'FL_CodeNode', 'AnyNode', 'AnyNodeGemini', 'AnyNodeLocal', 'AnyNodeAnthropic'],
  ],
};

const byName = new Map(
  Object.entries(classes).flatMap(([danger, names]) => names.map((name) => [name, danger as NodeDanger] as const)),
);

/** Null for a class that is not known to do any of it. */
export const dangerOf = (classType: string): NodeDanger | null => byName.get(classType) ?? null;
