/** The types behind each interface, for `InMemoryCache`. */
export const possibleTypes = {
  Artifact: ['AudioArtifact', 'FileArtifact', 'ImageArtifact', 'TextArtifact', 'VideoArtifact'],
};
