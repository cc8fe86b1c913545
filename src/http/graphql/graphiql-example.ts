/** No line of a comment is longer than 42 characters, which an editor of half a small screen shows whole. */
const generate = `# Press play (or Ctrl-Enter), then open
# the next tab and press play there.
#
# The same idempotencyKey gives the same
# job again: change it for a new picture.
#
# All of the API: the book to the left.
# Guides: the question mark below it.
mutation Generate {
  generate(
    input: {
      idempotencyKey: "my-first-picture"
      workflow: {
        textToImage: {
          prompt: "a lighthouse at dusk, in oil"
          width: 512
          height: 512
          steps: 20
        }
      }
    }
  ) {
    replayed
    job {
      id
      status
      parameters
    }
  }
}
`;

const watch = `# Follows the job of the first tab to its
# end. Another job: put its id into the
# variables.
#
# The addresses of its artifacts open in
# the browser.
subscription Watch($id: ID!) {
  jobProgress(id: $id) {
    seq
    type
    job {
      id
      status
      progress {
        fraction
        node {
          classType
          step
          totalSteps
        }
      }
      artifacts {
        filename
        url
        ... on ImageArtifact {
          width
          height
        }
      }
      error {
        code
        message
      }
    }
  }
}
`;

const preview = `# Unfinished pictures of the job of the
# first tab, while it runs: press play
# there with a new key, then here.
#
# data is base64; an address of it is
# data:image/jpeg;base64,…
subscription Preview($id: ID!) {
  jobProgress(id: $id, previews: true) {
    type
    preview {
      contentType
      data
    }
    job {
      status
    }
  }
}
`;

const upload = `# A file of your own as input:
#
# 1. Press play, with its size in bytes.
# 2. Send it to the url of the answer:
#    curl -T boat.png \\
#      -H "Content-Type: image/png" "URL"
#    and all headers of the answer.
# 3. Name its id in a job:
#    image: { upload: "ID" }
mutation Upload {
  createUpload(
    input: {
      filename: "boat.png"
      contentType: "image/png"
      size: 48213
    }
  ) {
    id
    method
    url
    headers
    expiresAt
  }
}
`;

const list = `# The latest jobs and their results.
query LatestJobs {
  jobs(first: 5) {
    nodes {
      id
      status
      workflow
      createdAt
      artifacts {
        url
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;

const LAST_JOB = 'the job of the first tab';

export const exampleTabs = [
  { query: generate },
  { query: watch, variables: JSON.stringify({ id: LAST_JOB }, null, 2) },
  { query: preview, variables: JSON.stringify({ id: LAST_JOB }, null, 2) },
  { query: upload },
  { query: list },
];

/**
 * Lets the second tab watch what the first has made without copying its id: notes the id of the last job that this page
 * generated, and puts it where a message over the socket says "the job of the first tab".
 */
export const lastJobScript = `
(() => {
  let lastJob;
  const pageFetch = window.fetch;
  window.fetch = async (...args) => {
    const response = await pageFetch(...args);
    if ((response.headers.get('content-type') ?? '').includes('json')) {
      response.clone().json().then((answer) => {
        lastJob = answer?.data?.generate?.job?.id ?? lastJob;
      }, () => {});
    }
    return response;
  };
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (message) {
    const placeholder = ${JSON.stringify(JSON.stringify(LAST_JOB))};
    const known = lastJob !== undefined && typeof message === 'string';
    return send.call(this, known ? message.replace(placeholder, JSON.stringify(lastJob)) : message);
  };
})();
`;
