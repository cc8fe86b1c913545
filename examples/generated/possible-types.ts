/** The types behind each interface, for `InMemoryCache`. */
export const possibleTypes = {
  Artifact: ['FileArtifact', 'ImageArtifact'],
};
