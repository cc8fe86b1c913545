/** Largest request body, an upload for instance. */
export const maxUploadBytes = 100 * 1024 * 1024;

/** What `GET /features` and the answer to a client's feature flags say. */
export const serverFeatures = {
  supports_preview_metadata: true,
  supports_model_type_tags: true,
  max_upload_size: maxUploadBytes,
  extension: { manager: { supports_v4: true } },
  node_replacements: true,
  assets: false,
};
