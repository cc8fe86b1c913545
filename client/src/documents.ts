/*
 * All that the client asks for. Each text is as it is sent, so that a gateway that executes listed documents only can
 * list them.
 */

/** What is cheap of a job. Not `parameters`, which never change and may be large. */
const JOB = `fragment Job on Job { id status seq workflow priority tags queuePosition attempts backend retryOf createdAt
startedAt finishedAt deadlineAt cancelRequestedAt expiresAt
progress { fraction nodesDone nodesTotal node { nodeId classType title step totalSteps } }
error { code message retryable nodeId classType } timings { nodeId classType ms cached }
artifacts { __typename id filename contentType size sha256 node output url urlExpiresAt
... on ImageArtifact { width height thumbnail: url(format: WEBP, width: 512) }
... on VideoArtifact { width height durationSeconds } ... on AudioArtifact { durationSeconds } } }`;

const WORKFLOW = `fragment Workflow on Workflow { name title description makes backends { backend canRun missing }
parameters { name title description type required advanced list multiline default minimum maximum multipleOf maxLength
fileKind choices { value label } } }`;

const GENERATED = '{ job { ...Job parameters } }';

export const GENERATE = `mutation Generate($input: GenerateInput!) { generate(input: $input) ${GENERATED} } ${JOB}`;

export const RETRY = `mutation Retry($id: ID!, $key: String!) {
retryJob(id: $id, idempotencyKey: $key) ${GENERATED} } ${JOB}`;

export const CANCEL = `mutation Cancel($id: ID!) { cancelJob(id: $id) { ...Job parameters } } ${JOB}`;

export const DELETE = 'mutation Delete($id: ID!) { deleteJob(id: $id) }';

export const CREATE_UPLOAD = `mutation CreateUpload($input: CreateUploadInput!) {
createUpload(input: $input) { id method url headers } }`;

export const CREATE_WATCH_TOKEN = `mutation CreateWatchToken($jobs: [ID!], $tag: String, $seconds: Int) {
createWatchToken(jobs: $jobs, tag: $tag, seconds: $seconds) { token expiresAt } }`;

export const ONE_JOB = `query Job($id: ID!) { job(id: $id) { ...Job parameters artifacts {
... on TextArtifact { text } } } } ${JOB}`;

export const PARAMETERS = 'query Parameters($id: ID!) { job(id: $id) { parameters } }';

export const JOBS = `query Jobs($first: Int, $after: String, $filter: JobFilter) {
jobs(first: $first, after: $after, filter: $filter) {
nodes { ...Job parameters } pageInfo { endCursor hasNextPage } } } ${JOB}`;

export const WATCH = `subscription Watch($id: ID!, $afterSeq: Int, $previews: Boolean) {
event: jobProgress(id: $id, afterSeq: $afterSeq, previews: $previews) {
type seq at job { ...Job } preview { contentType data } } } ${JOB}`;

export const WATCH_ALL = `subscription WatchAll($filter: JobFilter) {
event: jobsProgress(filter: $filter) { type seq at job { ...Job parameters } preview { contentType data } } } ${JOB}`;

export const WORKFLOWS = `query Workflows { workflows { ...Workflow } } ${WORKFLOW}`;

export const ONE_WORKFLOW = `query Workflow($name: String!) { workflow(name: $name) { ...Workflow } } ${WORKFLOW}`;

export const BACKENDS = `query Backends { backends {
name status queued running lastSeenAt message comfyuiVersion devices } }`;

export const VIEWER = 'query Viewer { viewer { id name scopes plan limits { name limit remaining resetsAt } } }';

export const LIMITS = `query Limits { limits {
maxUploadBytes maxMegapixels maxWaitSeconds maxDeadlineSeconds maxTags } }`;

export const HEALTH = `query Health { health { status version checkedAt
checks { name status latencyMs since message } queue { queued running workers oldestQueuedSeconds } } }`;
