/*
 * All that the pages ask for beside what the client library does, and what *as code* shows. The build lists them, so
 * that a gateway that executes listed documents only knows them.
 */

const JOB = `fragment JobParts on Job {
  id status seq workflow parameters priority tags queuePosition attempts backend retryOf
  createdAt startedAt finishedAt deadlineAt cancelRequestedAt expiresAt
  progress { fraction nodesDone nodesTotal node { nodeId classType title step totalSteps } }
  error { code message retryable nodeId classType }
  timings { nodeId classType ms cached }
  artifacts {
    __typename id filename contentType size sha256 node output url urlExpiresAt
    ... on ImageArtifact { width height thumbnail: url(format: WEBP, width: 512) }
    ... on VideoArtifact { width height durationSeconds }
    ... on AudioArtifact { durationSeconds }
  }
}`;

export const GENERATE = `mutation Generate($input: GenerateInput!) {
  generate(input: $input) {
    job { id status queuePosition }
  }
}`;

export const LIST = `query Jobs($first: Int, $after: String, $filter: JobFilter) {
  jobs(first: $first, after: $after, filter: $filter) {
    nodes { ...JobParts }
    pageInfo { endCursor hasNextPage }
  }
}

${JOB}`;

export const DOWNLOAD = `query Download($id: ID!) {
  job(id: $id) {
    artifacts { id filename size url(download: true) }
  }
}`;

export const WATCH = `subscription Watch($id: ID!) {
  jobProgress(id: $id, previews: true) {
    type
    job { status queuePosition progress { fraction node { title step totalSteps } } artifacts { filename url } }
    preview { contentType data }
  }
}`;

export const CANCEL = `mutation Cancel($id: ID!) {
  cancelJob(id: $id) { id status cancelRequestedAt }
}`;

export const AGAIN = `mutation Again($id: ID!, $idempotencyKey: String!) {
  retryJob(id: $id, idempotencyKey: $idempotencyKey) {
    job { id status queuePosition retryOf }
  }
}`;

export const DELETE = `mutation Delete($id: ID!) {
  deleteJob(id: $id)
}`;

export const DRAIN = `mutation Drain($name: String!) {
  drainBackend(name: $name) { name status running queued }
}`;

export const RESUME = `mutation Resume($name: String!) {
  resumeBackend(name: $name) { name status running queued }
}`;

export const SERVERS = `query Servers {
  backends { name status queued running lastSeenAt message comfyuiVersion devices }
}`;

export const WORKFLOWS = `query Workflows {
  workflows {
    name title description makes
    backends { backend canRun missing }
    parameters {
      name title description type required advanced list multiline default
      minimum maximum multipleOf maxLength fileKind choices { value label }
    }
  }
}`;

export const VIEWER = `query Viewer {
  viewer { id name scopes plan limits { name limit remaining resetsAt } }
}`;

export const LIMITS = `query Limits {
  limits { maxUploadBytes maxMegapixels maxWaitSeconds maxDeadlineSeconds maxTags }
}`;

export const ADD_WORKFLOW = `mutation AddWorkflow($input: AddWorkflowInput!) {
  addWorkflow(input: $input) { workflow { name title } notes }
}`;

export const CREATE_UPLOAD = `mutation CreateUpload($input: CreateUploadInput!) {
  createUpload(input: $input) { id url headers }
}`;
